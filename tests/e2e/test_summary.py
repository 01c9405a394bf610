"""The job summary as people see it: real runs, drawn by a browser, looked into; pictures in build/summary/."""

import gzip
import pathlib
import re

import pytest
from e2e import kit
from testbed import engine, page

PICTURES = pathlib.Path(__file__).resolve().parents[2] / "build" / "summary"
SUMMARY_MAX = 1024 * 1024
TAIL = "Last lines of the log"
STEPS = "The steps as text"

HOSTILE = [
    "::error title=pwned::hostile", "::set-env name=PATH::/evil", "::stop-commands::x", "##[error]hostile",
    "a ##[group]hostile", "\x1b[31mred\x1b[2J\x1b]0;title\x07", "\u202ereversed \u2066isolated", "\ufeff::warning::bom",
    "\r::error::after a CR", "<script>document.title='hostile'</script>", "<img src=x onerror=alert(1)>",
    "<a href='http://evil.example'>hostile</a>", "</code></pre></details><h1>hostile</h1>", "<!-- a comment that does not end",
    "<iframe src=http://evil.example></iframe>", "<style>* { display: none }</style>", "<details><summary>hostile</summary>",
    "&lt;b&gt; &#x3c;", "<div><table><tr><td>", "![p](http://evil.example/p.png)", "[l](javascript:alert(1))",
    "www.evil.example http://evil.example a@evil.example", "@octocat #1 octo/shop#2 0123456789012345678901234567890123456789",
    "# hostile", "- [x] hostile", "> [!CAUTION]", "> hostile", "| a | b |", "|---|---|", "    indented", "~~~~", "~~~text",
    "---", "===", "[^1]: note", "[ref]: http://evil.example", "$$x$$", "```mermaid", "gantt",
    "title hostile : done, 0, 1", "section hostile", "%%{init: {'theme':'dark'}}%%", "```",
    *("`" * n + "hostile" for n in (3, 4, 5, 8, 19, 20)), *("`" * n for n in range(3, 21)), "x" * 100_000,
    "the last hostile line",
]
SHOWN = 18  # last lines of an app that a failed run shows


def check_intact(shown, summary, steps=None):
    """What holds for the page of any summary: within the limit, charts drawn, nothing there but what we put there."""
    assert len(summary.encode()) < SUMMARY_MAX
    main = shown.summary
    assert shown.charts == "drawn", shown.charts
    assert "Syntax error" not in main.text
    if steps is not None:
        assert len(shown.task_bars()) == steps
    assert len(main.all("svg")) == len(main.all("pre", "mermaid"))
    for tag in ("script", "img", "iframe", "input", "form", "h1", "object", "embed", "link"):
        assert not main.all(tag), tag
    drawn = {n for svg in main.all("svg") for n in (svg, *svg.walk())}
    known = {"a", "b", "br", "code", "details", "div", "h2", "h3", "li", "p", "pre", "strong", "summary", "table",
             "tbody", "td", "th", "thead", "tr", "ul"}
    assert {n.tag for n in main.walk() if n not in drawn} - known - {"svg"} == set()
    for a in main.all("a"):
        assert re.match(r"https://github\.com/octo/shop/actions/runs/\d+", a.attributes.get("href", "")), a.attributes
    assert len(main.all("div", "markdown-alert")) == 1
    assert all(d.inside("main") and not d.inside("details") for d in main.all("details")), "a fold within a fold"
    assert not main.all("blockquote"), "an alert that GitHub would not take for one, or a quotation of the app's"


def draw(name, result, steps=None, themes=("light", "dark")):
    shown = page.Page(name, result.summary, PICTURES, themes)
    check_intact(shown, result.summary, steps)
    assert all(p.stat().st_size > 10_000 for p in shown.pictures)
    return shown


def rows(shown, heading):
    """A table as {first cell: the others}, without its head."""
    return {r[0]: r[1:] for r in shown.table(heading)[1:]}


def step_count(result, site):
    return sum(e["kind"] in ("step.start", "undo.start") for e in kit.events(result, site))


def headings(shown):
    return [h.text for h in shown.summary.all("h3")]


def tail_lines(shown):
    fold = shown.fold(TAIL)
    assert "open" not in fold.attributes, "a log is folded until somebody wants it"
    return fold.first("pre").text.rstrip("\n").split("\n")


def alert(shown):
    box = shown.summary.first("div", "markdown-alert")
    return box.first("p", "markdown-alert-title").text, box.text


def test_first_and_second_deployment(site):
    first = site.deploy("v1", env="LOG_LEVEL=info\nOLD=1")
    shown = draw("first", first, step_count(first, site))
    assert "first deployment" in shown.facts()["Version"]
    assert rows(shown, "Setting")["image"] == ["-", site.inputs("v1")["image"]]

    second = site.deploy("v2", env="LOG_LEVEL=very-quiet\nNEW_KEY=1", memory="256m")
    shown = draw("deployed", second, step_count(second, site))
    assert shown.summary.first("h2").text == "Deployed: shop"
    kind, text = alert(shown)
    assert kind == "Note" and f"{site.inputs('v2')['image']} now serves as shop" in text
    facts = shown.facts()
    assert facts["App"].startswith("shop on ec2-user@web1")
    assert facts["Version"].endswith(": v1 → v2")
    assert facts["Digest"] == second.outputs["image-digest"]
    assert re.match(r"\d+\.\d\d s, of that cutover \d\.\d\d s$", facts["Duration"])
    assert re.match(r"\d\.\d\d s measured", facts["Outage"])
    assert second.outputs["deployment-id"] in facts["Deployment"] and "handover" in facts["Deployment"]
    assert second.outputs["bundle-path"] in facts["Evidence"]
    changes = rows(shown, "Setting")
    assert changes["image"] == [site.inputs(t)["image"] for t in ("v1", "v2")]
    assert changes["memory limit"] == ["no limit", "256 MiB"]
    assert changes["ports"][1] == "as before" and "8080" in changes["ports"][0]
    assert changes["CPU limit"] == ["no limit", "as before"]
    assert changes["environment: added"] == ["", "NEW_KEY"] and changes["environment: removed"] == ["", "OLD"]
    assert "LOG_LEVEL" in changes["environment: changed"][1]
    assert "very-quiet" not in second.summary.split("<details><summary>" + TAIL)[0]
    kpi = rows(shown, "KPI")
    assert len(kpi) == 4 and kpi["Total deployment time"][-1] == "on target"
    cutover = rows(shown, "")["Deployment"]
    assert re.match(r"\d+ of \d+$", cutover[2]) and all(re.match(r"(below 1|\d+(\.\d)?) ms$", c) for c in cutover[3:])
    assert [r[0] for r in shown.table("Role")[1:]] == ["serves (blue)", "kept to go back to (green)"]
    chart, table = shown.fold(STEPS).first("pre").text, shown.table("#")
    assert len(chart.splitlines()) - 1 == len(table) - 1 == step_count(second, site)
    assert all(re.search(r"\|[ #]{40}\|$", line) for line in chart.splitlines()[1:])
    check_tail(shown, second, site)
    page.Page("deployed-unfolded", second.summary, PICTURES, ("dark",), unfolded=True)
    assert headings(shown) == ["What changed", "Timeline", "Against the targets", "Cutover and response times", "Health",
                               "Containers at the end"]


def test_trend_of_the_last_good_runs_is_drawn_and_tabled(site):
    assert "Trend of the last" not in (site.deploy("v1"), site.deploy("v2"))[1].summary
    site.run("exits")
    result = site.run(command="rollback")
    assert result.outputs["outcome"] == "rolled_back", result
    shown = draw("trend", result, step_count(result, site))
    told = next(e for e in kit.events(result, site) if e["kind"] == "outcome")["trend"]
    assert [p["outcome"] for p in told] == ["deployed", "deployed", "rolled_back"]
    fold = shown.fold("Trend of the last 3 good runs")
    assert "open" not in fold.attributes
    total = rows(shown, "Trend")["Total duration"]
    seconds = sorted(p["total"] for p in told)
    assert len(total[0]) == 3 and set(total[0]) <= set("▁▂▃▄▅▆▇█")
    assert total[1:] == [f"{s:.2f} s" for s in (seconds[0], seconds[1], told[-1]["total"])]
    page.Page("trend-unfolded", result.summary, PICTURES, unfolded=True)


def check_tail(shown, result, site):
    """The log as the bundle has it (it was closed a few lines earlier), each line of its end there and in order."""
    log = kit.named(kit.bundle(result, site), r"action\.log").decode().rstrip("\n").split("\n")
    tail = tail_lines(shown)
    overlap = max(i for i, line in enumerate(tail) if line == log[-1]) + 1
    assert overlap >= len(tail) - 10
    assert tail[:overlap] == log[-overlap:]


def test_failed_deployment_with_its_diagnosis(site):
    site.deploy("v1")
    failed = site.run("exits")
    shown = draw("failed", failed, step_count(failed, site))
    kind, text = alert(shown)
    assert kind == "Warning" and "Likely cause" in text
    assert shown.summary.first("h2").text.startswith("Deployment failed and production is untouched")
    assert shown.facts()["Version"].endswith("v1 (wanted: " + site.inputs("exits")["image"] + ")")
    assert headings(shown)[0] == "Why"
    why = [li.text for li in shown.summary.all("li")]
    assert any(li.startswith("Failed step:") for li in why) and any(li.startswith("Next:") for li in why)
    assert "DATABASE_URL" in shown.fold("Evidence").text
    assert rows(shown, "Setting")["image"][1] == site.inputs("exits")["image"]
    assert any("DATABASE_URL" in line for line in tail_lines(shown))


def test_rolled_back_by_verify_url_and_by_the_post_step(site):
    site.deploy("v1")
    url = f"http://{site.host.name}:8080/"
    back = site.run("v2", verify_url=url, verify_body="something else")
    assert back.outputs["outcome"] == "rolled_back"
    shown = draw("rolled-back", back)
    assert alert(shown)[0] == "Warning"
    assert shown.facts()["Version"].endswith(": v1 → v2 → v1")
    assert "Way back" in shown.summary.first("svg").text
    story = [li.text for li in shown.summary.all("li")]
    assert any(li.startswith("Asked for by: this action, from the runner") for li in story)
    assert any(li.startswith("Reason: verify-url") for li in story)
    assert "Answers again, checked: yes" in story
    assert set(rows(shown, "")) == {"Deployment", "Way back"}

    deployed = site.deploy("v2")
    post = site.post("failure")
    shown = draw("post", post)
    assert shown.summary.first("h2").text == "Rolled back after the job: shop"
    kind, text = alert(shown)
    assert kind == "Note" and "The job failed after this deployment." in text
    facts = shown.facts()
    assert facts["Version"].endswith(": v2 → v1") and facts["App"].startswith("shop on ec2-user@")
    assert deployed.outputs["deployment-id"] in facts["Taken back"]
    assert "Asked for by: the post step, after the job" in [li.text for li in shown.summary.all("li")]
    assert len(shown.task_bars()) == len(shown.table("#")) - 1 > 3
    assert tail_lines(shown)


def test_status_and_a_wrong_input(site):
    site.deploy("v1")
    site.deploy("v2")
    shown = draw("status", site.run(command="status"))
    assert shown.summary.first("h2").text == "Status: shop"
    kind, text = alert(shown)
    assert kind == "Note" and re.search(r"shop on web1: well\. v2 serves since .+, answers in .+ ms\.", text)
    assert shown.table("Fact")[0] == ["Fact", "blue: serves", "green: to go back to"]
    facts = rows(shown, "Fact")
    assert facts["Container"] == ["shop-blue", "shop-green"] and facts["Ports"] == ["8080->8080/tcp", "-"]
    assert facts["Health"][0].startswith("healthy, answers in ") and facts["State"][1].startswith("exited since ")
    assert len(shown.table("Deployment")) == 3

    shown = draw("plan", site.run("v2", command="plan", memory="64m", env="NEW_KEY=1"))
    assert shown.summary.first("h2").text == "Plan: shop" and "would be deployed" in alert(shown)[1]
    assert "NEW_KEY" in rows(shown, "Setting")["environment: added"][1]
    shown = draw("prune", site.run(command="prune", dry_run="true"))
    assert shown.summary.first("h2").text == "Pruned: shop"
    site.host.docker("stop", "-t", "0", "shop-blue")
    shown = draw("status-down", site.run(command="status"), themes=("dark",))
    assert alert(shown)[0] == "Warning" and "NOT RUNNING" in alert(shown)[1] and headings(shown)[0] == "What to do"
    shown = draw("diagnose", site.run(command="diagnose"))
    assert shown.summary.first("h2").text == "Diagnosis: shop" and alert(shown)[0] == "Warning"
    site.host.docker("start", "shop-blue")

    wrong = site.run("v1", port="nonsense")
    shown = draw("wrong-input", wrong)
    assert "input 'port'" in alert(shown)[1]


def push_with_lines(site, tag, lines, env):
    """The sample app, which prints these bytes first."""
    registry = site.bed.registry
    layers = [engine.tar_of({"app": engine.compiled("apps/app.c").read_bytes()}), engine.tar_of({"lines": lines})]
    registry.push("app", tag, layers, {"APP_VERSION": tag, "PRINT_FILE": "/lines", "PRINT_CHUNK": "60000", **env})


def test_an_app_of_a_million_lines(site):
    site.deploy("v1")
    lines = b"".join(b"%07d the app says something\n" % n for n in range(1, 1_000_001))
    assert lines.count(b"\n") == 1_000_000 and len(gzip.compress(lines, 1)) < 16_000_000
    push_with_lines(site, "million", lines, {"EXIT_CODE": "3"})
    failed = site.run("million", health_retries="100")
    assert failed.exit_code != 0
    shown = draw("million-lines", failed, step_count(failed, site))
    assert any("1000000 the app says something" in line for line in tail_lines(shown))
    assert len(tail_lines(shown)) <= 100

    push_with_lines(site, "million-good", lines, {})
    good = site.deploy("million-good", health_retries="200")
    shown = draw("million-lines-good", good, step_count(good, site), ("light",))
    assert shown.facts()["Version"].endswith(": v1 → million-good")


@pytest.mark.parametrize("part", range(-(-len(HOSTILE) // SHOWN)))
def test_an_app_with_hostile_lines(site, part):
    lines = HOSTILE[part * SHOWN:(part + 1) * SHOWN]
    site.deploy("v1")
    not_text = b"\xff\xfe\x80 \x00 \xc0\xaf\n"
    push_with_lines(site, f"bad{part}", "\n".join([*lines, ""]).encode() + not_text, {"EXIT_CODE": "3"})
    failed = site.run(f"bad{part}")
    shown = draw(f"hostile-{part}", failed, step_count(failed, site), ("light",))
    tail = [line.removeprefix("app | ") for line in tail_lines(shown) if line.startswith("app | ")]
    for line in lines:
        if re.fullmatch(r"[ -~]*", line) and not re.match(r"\s*::|.*##\[", line):
            assert line in tail or len(line) > 1000 and any(t.startswith(line[:200]) for t in tail), (line[:200], tail)
        else:
            assert not any(t == line for t in tail), line
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", failed.summary)
    assert not [h for h in headings(shown) if "hostile" in h]


# Short: an error message shows the begin of such a text only.
WORDS = {
    "html": "</td></table></code><script>x</script><img src=x onerror=y>",
    "links": "![p](http://evil.example/p) [l](http://evil.example)",
    "addresses": "a@evil.example @octocat mailto:b@evil.example #1 &lt;b&gt;",
    "styles": "www.evil.example http://evil.example **b** `c` ~~s~~ | d",
    "commands": "::error::hostile ##[error]hostile %0A::error::hostile",
    "chart": "; section x : crit, #35; %% end",
}


@pytest.mark.parametrize("name", WORDS)
def test_hostile_words_in_the_running_text(site, name):
    """An error message is no code and stands in no fence: what is in it must be nothing but words all the same."""
    text = WORDS[name]
    site.deploy("v1")
    result = site.run("v2", verify_url=f"http://{site.host.name}:8080/", verify_body=text, labels=f"note={text}")
    shown = draw(f"hostile-{name}", result, themes=("light",))
    kind, told = alert(shown)
    assert kind == "Warning"
    if name != "commands":
        assert f"does not hold '{text}'" in told


def test_without_the_tools_the_reason_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(engine.Problem, match="development image"):
        page.check_tools()


def test_the_page_would_show_what_gets_through(tmp_path):
    """The checks above can fail: a summary that is not escaped is found out."""
    bad = page.Page("bad", "> [!NOTE]\n> x\n\n[l](http://evil.example) a@evil.example\n\n"
                           "<script>x</script><img src='http://e/p'>\n\n```mermaid\ngantt\n  nonsense here\n```\n", tmp_path, themes=("light",))
    assert bad.charts != "drawn"
    assert not bad.summary.all("script") and bad.summary.all("img")
    assert {a.attributes["href"] for a in bad.summary.all("a")} == {"http://evil.example", "mailto:a@evil.example"}
