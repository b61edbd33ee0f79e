# SPDX-License-Identifier: Apache-2.0
"""readers.py FORMAT REPORT RUN.JSON: reads a report as its consumers do, and
fails unless it says of the results what run.json says.

FORMAT is ktap (REPORT is what kunit.py parse printed), openmetrics, lava,
markdown (what cmark-gfm made of it), github (a folder with commands, summary
and outputs), or a JSON Schema with its report."""
import html.parser
import json
import re
import sys

RED = ("fail", "lost", "broken")


def count(run, *verdicts):
    return sum(r["verdict"] in verdicts for r in run["results"])


def ktap(report, run):
    said = dict(re.findall(r"(passed|failed|crashed|skipped|errors): (\d+)",
                           report.splitlines()[-1]))
    wanted = {"passed": count(run, "pass", "known"),
              "failed": count(run, *RED), "skipped": count(run, "skip")}
    assert said == {k: str(n) for k, n in wanted.items() if n}, (said, wanted)


def openmetrics(report, run):
    from prometheus_client.openmetrics import parser
    families = {f.name: f.samples
                for f in parser.text_string_to_metric_families(report)}
    by_verdict = {s.labels["verdict"]: s.value
                  for s in families["oomgate_results"]}
    for verdict, value in by_verdict.items():
        assert value == count(run, verdict), (verdict, value)
    assert len(families["oomgate_result"]) == len(run["results"])
    values = sum(len(r["metrics"]) for r in run["results"])
    assert len(families["oomgate_metric"]) == values


def lava(report, run):
    """The dispatcher's pattern, and how it takes a signal apart."""
    cases = []
    for name, words in re.findall(r"<LAVA_SIGNAL_(\S+) ([^>]+)>", report):
        if name != "TESTCASE":
            assert name == "TESTSET", name
            continue
        for word in words.split():
            assert word.count("=") == 1, word
        cases.append(dict(word.split("=") for word in words.split()))
    ids = [case["TEST_CASE_ID"] for case in cases]
    assert len(ids) == len(set(ids))
    own = [case["RESULT"] for case in cases if "MEASUREMENT" not in case]
    assert own.count("pass") == count(run, "pass", "known"), own
    assert own.count("fail") == count(run, *RED), own
    assert own.count("skip") == count(run, "skip"), own
    for case in cases:
        float(case.get("MEASUREMENT", 0))


class Page(html.parser.HTMLParser):
    ALLOWED = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td",
               "pre", "code", "details", "summary"}

    def __init__(self):
        super().__init__()
        self.open = []
        self.outside = ""  # of code
        self.headings = 0

    def handle_starttag(self, tag, attrs):
        assert tag in self.ALLOWED, (tag, attrs)
        assert attrs in ([], [("class", "language-text")]), attrs
        self.open.append(tag)
        self.headings += tag == "h3"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if "code" not in self.open:
            self.outside += data


def markdown(report, run):
    page = Page()
    page.feed(report)
    assert not page.open, page.open
    assert "owned" not in page.outside, page.outside
    assert page.headings == count(run, *RED), page.headings


def github(folder, run):
    """What the runner does with a step's output and files."""
    def read(name):
        with open(f"{folder}/{name}", encoding="utf-8", newline="\n") as file:
            return file.read()
    annotations = []
    for line in read("commands").split("\n"):
        assert "##[" not in line, line
        found = re.match(r"\s*::([a-z-]+)( [^:]*)?::", line)
        if found:
            annotations.append(found[1])
    assert set(annotations) <= {"error", "warning"}, annotations
    assert annotations.count("error") == min(count(run, *RED), 10)
    assert annotations.count("warning") == min(count(run, "known"), 10)
    outputs = dict(line.split("=", 1)
                   for line in read("outputs").rstrip("\n").split("\n"))
    assert set(outputs) == {"verdict", "run-json", "report"}, outputs
    wanted = ("fail" if count(run, "fail", "lost") else
              "broken" if count(run, "broken") else "pass")
    assert outputs["verdict"] == wanted, outputs
    assert 0 < len(read("summary").encode()) <= 1 << 20


def schema(file, report):
    import jsonschema
    with open(file, encoding="utf-8") as opened:
        wanted = json.load(opened)
    validator = jsonschema.validators.validator_for(wanted)
    validator(wanted, format_checker=jsonschema.FormatChecker()).validate(
        json.loads(report))


def main():
    kind, name, run_json = sys.argv[1:]
    with open(run_json, encoding="utf-8") as file:
        run = json.load(file)
    if kind == "github":
        github(name, run)
        return
    with open(name, encoding="utf-8", newline="\n") as file:
        report = file.read()
    if kind.endswith(".json"):
        schema(kind, report)
    else:
        {"ktap": ktap, "openmetrics": openmetrics, "lava": lava,
         "markdown": markdown}[kind](report, run)


main()
