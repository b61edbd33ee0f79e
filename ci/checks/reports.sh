# shellcheck shell=bash
# Reports, read by programs of others: of a run, of the same with hostile texts,
# of one in which nothing ran.

go_run reported meta/pass meta/fail meta/skip meta/known meta/broken \
  meta/judge_killed --on=host
go_run none meta/skip meta/panic --on=host
real=$(echo "$WORK"/reported/*/run.json)
mkdir "$WORK/hostile" "$WORK/many"
python3 ci/checks/hostile.py "$real" 1 >"$WORK/hostile/run.json"
python3 ci/checks/hostile.py "$real" 1500 >"$WORK/many/run.json"
cp "$(echo "$WORK"/none/*/run.json)" "$WORK/none/run.json"
cp "$real" "$WORK/reported/run.json"

# of RUN FORMAT: its report, as a file.
of() {
  local file=$WORK/$1.$2
  [[ -e $file ]] || "$OOMGATE" report "$WORK/$1" --to="$2" --output="$file" || return 1
  echo "$file"
}
# read_by FORMAT COMMAND…: the command reads the report of each run from stdin,
# and a reader of ours agrees with what it says of it.
read_by() {
  local run
  for run in reported hostile none; do
    "${@:2}" <"$(of "$run" "$1")" >"$WORK/$run.$1.read" &&
      { [[ $run == none ]] ||
        python3 ci/checks/readers.py "$1" "$WORK/$run.$1.read" "$WORK/$run/run.json"; } ||
      return 1
  done
}
has() { command -v "$1" >/dev/null; }

check "report: what it reads, it names when it cannot" all \
  go misread report ci/README.md --to=ktap AND exits misread 2 AND \
  says misread 'ci/README.md: not a run.json: '

# JUnit, by both schemas.
schemas=${OOMGATE_JUNIT_SCHEMAS:-}
by_schema() {
  local run
  for run in reported hostile none; do
    xmllint --noout --schema "$1" "$(of "$run" junit)" || return 1
  done
}
for schema in junit-ant.xsd junit-jenkins-10.xsd; do
  if ! has xmllint; then
    skipped "junit by $schema" "no xmllint (libxml2-utils)"
  elif [[ -e $schemas/$schema ]]; then
    check "junit is as $schema says" by_schema "$schemas/$schema"
  else
    skipped "junit by $schema" "it is not in the folder that OOMGATE_JUNIT_SCHEMAS names"
  fi
done

# KTAP, by the kernel's parser, unpacked once a build.
kunit=build/kunit/tools/testing/kunit/kunit.py
sources=(/usr/src/linux-source-*.tar.xz)
if [[ ! -e $kunit && -e ${sources[0]} ]]; then
  mkdir -p build/kunit
  tar -C build/kunit --strip-components=1 --wildcards -xf "${sources[0]}" \
    '*/tools/testing/kunit/*.py'
fi
parsed() {
  local code=0
  "$PWD/$kunit" parse "$1" >"$WORK/parsed" || code=$?
  [[ $code -eq 1 ]] && tail -n 1 "$WORK/parsed"
}
if [[ -e $kunit ]]; then
  check "ktap: kunit.py parse counts what run.json counts, and none is red" all \
    read_by ktap parsed /dev/stdin AND grep -q 'failed: 1' "$WORK/none.ktap.read"
else
  skipped "ktap by kunit.py parse" "no /usr/src/linux-source-*.tar.xz"
fi

# JSON, by an independent validator.
for format in ctrf kcidb; do
  schema=${OOMGATE_JSON_SCHEMAS:-}/$format.schema.json
  valid_reports() {
    local run
    for run in reported hostile none; do
      python3 ci/checks/readers.py "$schema" "$(of "$run" "$format")" \
        "$WORK/$run/run.json" || return 1
    done
  }
  if ! python3 -c 'import jsonschema' 2>/dev/null; then
    skipped "$format by its schema" "no python3-jsonschema"
  elif [[ -e $schema ]]; then
    check "$format is as its schema says" valid_reports
  else
    skipped "$format by its schema" \
      "no $format.schema.json in the folder that OOMGATE_JSON_SCHEMAS names"
  fi
done

if python3 -c 'import prometheus_client' 2>/dev/null; then
  check "openmetrics: Prometheus's parser reads it" read_by openmetrics cat
else
  skipped "openmetrics by Prometheus's parser" "no python3-prometheus-client"
fi
check "lava: one signal a line, and nothing else is one" read_by lava cat
if has cmark-gfm; then
  check "markdown: hostile text is text where GitHub's renderer shows it" \
    read_by markdown cmark-gfm --unsafe -e table -e autolink -e strikethrough
else
  skipped "markdown by GitHub's renderer" "no cmark-gfm"
fi

# step RUN: what a step of GitHub Actions leaves behind; the summary has a line.
step() {
  local folder=$WORK/$1.step
  mkdir "$folder"
  echo 'before' >"$folder/summary"
  env GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY="$folder/summary" \
    GITHUB_OUTPUT="$folder/outputs" "$OOMGATE" report "$WORK/$1" --to=github \
    --output="$folder/page.md" >"$folder/commands" &&
    python3 ci/checks/readers.py github "$folder" "$WORK/$1/run.json" &&
    [[ $(head -n 1 "$folder/summary") == before ]] &&
    grep -qx "report=$folder/page.md" "$folder/outputs"
}
check "github: annotations, summary and outputs of a step" step reported
check "github: hostile text adds no command and no output" step hostile
check "github: ten annotations of a type, a summary of 1 MiB, at most" step many
check "github: the whole page goes where --output says" \
  test "$(wc -c <"$WORK/many.step/page.md")" -gt "$((1 << 20))"
says_nothing_ran() {
  "$OOMGATE" report "$WORK/none" --to=github >"$WORK/none.github" &&
    grep -q '^::error title=broken%3A run::nothing ran: ' "$WORK/none.github" &&
    grep -qx 'GITHUB_OUTPUT | verdict=nothing-ran' "$WORK/none.github"
}
check "nothing ran: exit 4, and the report says so" all \
  exits none 4 AND says_nothing_ran
