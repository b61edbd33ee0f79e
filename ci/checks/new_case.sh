# shellcheck shell=bash disable=SC2034  # AS is read by go
# One more case is one more file: the template under another name, in a copy of
# the sources (without most cases, which take long to compile), runs in all
# places.

copy=$WORK/copy
mkdir "$copy"
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$copy"
find "$copy/cases" -mindepth 2 -name '*.cc' \
  ! -path '*/kit/*' ! -path '*/meta/*' -delete
sed 's|"template"|"pages/copied"|' cases/template.cc >"$copy/cases/pages/copied.cc"

build_copy() {
  cd "$copy" || return 1
  export CCACHE_BASEDIR=$copy CCACHE_NOHASHDIR=1
  cmake --preset release -DBUILD_TESTING=OFF &&
    cmake --build build/release -t oomgate-cases oomgate-init
}
check "a copy of the template builds" build_copy

places=host,${CGROUPS:+cgroup,}vm
AS=(env OOMGATE_LIBEXEC="$copy/build/release")
go_run copied pages/copied --on="$places"
AS=()
check "it passes on $places" all exits copied 0 AND holds copied \
  "len(results) == 2 * len('$places'.split(','))" \
  "set(verdicts.values()) == {'pass'}" \
  "{r['place'] for r in results.values()} == set('$places'.split(','))"
rm -rf "$copy"
