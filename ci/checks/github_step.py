# SPDX-License-Identifier: Apache-2.0
"""github_step.py ACTION.YML FOLDER [INPUT=VALUE…]: does the run steps of a
composite action as a runner does, with the files and variables that it gives
them; other actions are passed over. Leaves FOLDER/summary and FOLDER/outputs,
and exits as the first step that fails."""
import os
import pathlib
import re
import subprocess
import sys

import yaml


def pairs(file):
    """name=value lines; the last of a name counts."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


action_file, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
action = yaml.safe_load(action_file.read_text())
folder.mkdir()
inputs = {k: v.get("default", "") for k, v in action["inputs"].items()}
given = dict(word.split("=", 1) for word in sys.argv[3:])
assert given.keys() <= inputs.keys(), given
inputs.update(given)
context = {f"inputs.{k}": v for k, v in inputs.items()}


def filled(text):
    """A text with ${{ inputs.x }} and ${{ steps.x.outputs.y }} put in."""
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda m: context.get(m[1], ""), text)


env = dict(os.environ, CI="true", GITHUB_ACTIONS="true")
env |= {"GITHUB_ACTION_PATH": str(action_file.parent.resolve())}
env |= {"RUNNER_TEMP": str((folder / "temp").resolve())}
(folder / "temp").mkdir()
summary = folder / "summary"
summary.touch()
code = 0
for number, step in enumerate(action["runs"]["steps"]):
    if "uses" in step:
        continue
    assert step["shell"] == "bash" and "if" not in step, step
    script = folder / f"step{number}.sh"
    script.write_text(filled(step["run"]))
    files = {}
    for name in "OUTPUT", "ENV", "PATH":
        files[name] = folder / f"{name.lower()}{number}"
        files[name].touch()
        env[f"GITHUB_{name}"] = str(files[name].resolve())
    env["GITHUB_STEP_SUMMARY"] = str(summary.resolve())
    own = {k: filled(str(v)) for k, v in step.get("env", {}).items()}
    print("##", step["name"], flush=True)
    code = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        env=env | own,
        stdin=subprocess.DEVNULL,
    ).returncode
    for name, value in pairs(files["OUTPUT"]).items():
        context[f"steps.{step.get('id')}.outputs.{name}"] = value
    env |= pairs(files["ENV"])
    for path in files["PATH"].read_text().splitlines():
        env["PATH"] = path + ":" + env["PATH"]
    if code:
        break
(folder / "outputs").write_text(
    "".join(f"{k}={filled(v['value'])}\n" for k, v in action["outputs"].items())
)
sys.exit(code)
