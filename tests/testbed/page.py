"""A job summary as GitHub's page shows it: Markdown to HTML, sanitised, drawn by a browser, and looked at.

GitHub's own renderer (cmark-gfm with its extensions), alerts, an allow-list of tags and attributes after GitHub's
(html-pipeline), GitHub's style sheet, and Mermaid with the same settings. No network: everything is a file.
"""

import html
import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from .engine import Problem

TOOLS = pathlib.Path(os.environ.get("NODE_PATH", "/opt/tools/node_modules"))
STYLES = TOOLS / "github-markdown-css"
MERMAID = TOOLS / "mermaid" / "dist" / "mermaid.min.js"
BROWSER = "chromium-headless-shell"
RENDERER = "cmark-gfm"
WIDTH = 1012  # of the column that GitHub's page has for a summary
HEIGHT_MAX = 12000
THEMES = {"light": "default", "dark": "dark"}  # and the theme of its charts

TAGS = set("""a abbr b bdo blockquote br caption cite code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5
h6 hr i img ins kbd li mark ol p picture pre q rp rt ruby s samp small source span strike strong sub summary sup table
tbody td tfoot th thead time tr tt ul var wbr""".split())
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "width", "height"}, "details": {"open"}, "pre": {"lang"},
              "td": {"align", "colspan", "rowspan"}, "th": {"align", "colspan", "rowspan"}, "table": {"align"},
              "p": {"align"}, "div": {"align"}}
SCHEMES = ("http:", "https:", "mailto:")
DROPPED_WHOLE = {"script", "style", "iframe", "object", "math", "svg", "xmp", "title", "textarea", "noscript", "template"}
VOID = {"br", "hr", "img", "wbr", "source", "meta", "link", "input"}
ALERTS = {"NOTE": "Note", "TIP": "Tip", "IMPORTANT": "Important", "WARNING": "Warning", "CAUTION": "Caution"}


def check_tools():
    """Problem with a word about what to do, when something that draws is not here."""
    missing = [t for t in (RENDERER, BROWSER) if not shutil.which(t)]
    missing += [str(p) for p in (STYLES / "github-markdown-light.css", MERMAID) if not p.exists()]
    if missing:
        raise Problem(f"{', '.join(missing)}: not here. Run the tests in the development image (make test), which has them")


class _Sanitizer(html.parser.HTMLParser):
    """What GitHub lets through; the rest goes, its text stays. Alerts are made of quotations here, as GitHub does."""

    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.out, self.open, self.dropping = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag in DROPPED_WHOLE:
            self.dropping.append(tag)
        if self.dropping or tag not in TAGS:
            return
        kept = "".join(f' {k}="{html.escape(v or "")}"' for k, v in attributes
                       if k in ATTRIBUTES.get(tag, ()) and (k not in ("href", "src") or self._allowed(v)))
        self.out.append(f"<{tag}{kept}>")
        if tag not in VOID:
            self.open.append(tag)

    @staticmethod
    def _allowed(url):
        return bool(url) and url.strip().lower().startswith(SCHEMES)

    def handle_endtag(self, tag):
        if self.dropping:
            if tag == self.dropping[-1]:
                self.dropping.pop()
            return
        if tag not in self.open:
            return
        while self.open:
            last = self.open.pop()
            self.out.append(f"</{last}>")
            if last == tag:
                break

    def handle_data(self, data):
        if not self.dropping:
            self.out.append(html.escape(data, quote=False))

    def handle_entityref(self, name):
        self.handle_data(html.unescape(f"&{name};"))

    def handle_charref(self, name):
        self.handle_data(html.unescape(f"&#{name};"))

    def text(self):
        self.close()
        return "".join(self.out) + "".join(f"</{t}>" for t in reversed(self.open))


def to_html(markdown):
    """The body of the page, as GitHub would have it."""
    command = [RENDERER, "--unsafe", "--github-pre-lang"]
    for extension in ("table", "tasklist", "strikethrough", "autolink", "tagfilter"):
        command += ["-e", extension]
    raw = subprocess.run(command, input=markdown.encode(), capture_output=True, check=True, timeout=60).stdout.decode()
    sanitizer = _Sanitizer()
    sanitizer.feed(raw)
    body = re.sub(r"<blockquote>\s*<p>\[!(" + "|".join(ALERTS) + r")\]\n(.*?)</blockquote>",
                  lambda m: f'<div class="markdown-alert markdown-alert-{m[1].lower()}">'
                            f'<p class="markdown-alert-title">{ALERTS[m[1]]}</p><p>{m[2]}</div>', sanitizer.text(), flags=re.S)
    return re.sub(r'<pre lang="mermaid"><code>(.*?)</code></pre>', r'<pre class="mermaid">\1</pre>', body, flags=re.S)


def page_of(body, theme, unfolded=False):
    background, colour = ("#0d1117", "#f0f6fc") if theme == "dark" else ("#ffffff", "#1f2328")
    if unfolded:
        body = body.replace("<details>", "<details open>")
    return f"""<!DOCTYPE html>
<html><head><meta charset="utf-8">
<link rel="stylesheet" href="{(STYLES / f"github-markdown-{theme}.css").as_uri()}">
<style>body {{ margin: 0; background: {background}; color: {colour}; }}
main {{ box-sizing: border-box; width: {WIDTH}px; padding: 24px; }}
pre.mermaid {{ text-align: center; }}</style>
</head><body><main class="markdown-body" id="summary">{body}</main>
<script src="{MERMAID.as_uri()}"></script>
<script>
mermaid.initialize({{ startOnLoad: false, theme: "{THEMES[theme]}", securityLevel: "strict" }});
const told = document.documentElement.dataset;
mermaid.run({{ querySelector: "pre.mermaid" }})
  .then(() => {{ told.charts = "drawn"; }}, e => {{ told.charts = String(e); }})
  .finally(() => {{ told.height = document.documentElement.scrollHeight; }});
</script></body></html>
"""


def _browse(file, *options):
    with tempfile.TemporaryDirectory(prefix="browser-") as profile:
        command = [BROWSER, "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
                   "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000", *options, file.as_uri()]
        p = subprocess.run(command, capture_output=True, timeout=120, env={**os.environ, "HOME": profile})
    if p.returncode != 0:
        raise Problem(f"{BROWSER}: exit code {p.returncode}: {p.stderr.decode(errors='replace')[-2000:]}")
    return p.stdout.decode(errors="replace")


class Node:
    """An element of the page as the browser had it in the end."""

    def __init__(self, tag, attributes=(), parent=None):
        self.tag, self.attributes, self.parent, self.children = tag, dict(attributes), parent, []

    def walk(self):
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child.walk()

    def all(self, tag=None, cls=None):
        return [n for n in self.walk() if (tag is None or n.tag == tag)
                and (cls is None or cls in n.attributes.get("class", "").split())]

    def first(self, tag=None, cls=None):
        found = self.all(tag, cls)
        if not found:
            raise Problem(f"no <{tag or ''}{'.' + cls if cls else ''}> in the page")
        return found[0]

    @property
    def text(self):
        return "".join(c.text if isinstance(c, Node) else c for c in self.children)

    def inside(self, tag):
        node = self.parent
        while node:
            if node.tag == tag:
                return True
            node = node.parent
        return False


class _Tree(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Node("#root")

    def handle_starttag(self, tag, attributes):
        node = Node(tag, [(k, v or "") for k, v in attributes], self.at)
        self.at.children.append(node)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag, attributes):
        self.at.children.append(Node(tag, [(k, v or "") for k, v in attributes], self.at))

    def handle_endtag(self, tag):
        node = self.at
        while node.parent and node.tag != tag:
            node = node.parent
        if node.tag == tag:
            self.at = node.parent

    def handle_data(self, data):
        self.at.children.append(data)


class Page:
    """A summary in a browser: `summary` is the element with it. Pictures go to FOLDER/NAME-THEME.png."""

    def __init__(self, name, markdown, folder, themes=tuple(THEMES), unfolded=False):
        check_tools()
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.markdown, self.body, self.pictures = name, markdown, to_html(markdown), []
        for theme in themes:
            with tempfile.TemporaryDirectory(prefix="page-") as scratch:
                file = pathlib.Path(scratch) / "page.html"
                file.write_text(page_of(self.body, theme, unfolded))
                if theme == themes[0]:
                    tree = _Tree()
                    tree.feed(_browse(file, f"--window-size={WIDTH},800", "--dump-dom"))
                    self.root = tree.root.first("html")
                self._photograph(file, folder / f"{name}-{theme}.png")
        self.summary = next(n for n in self.root.walk() if n.attributes.get("id") == "summary")

    def _photograph(self, file, picture):
        picture.unlink(missing_ok=True)
        height = min(int(self.root.attributes.get("data-height", "800")), HEIGHT_MAX)
        _browse(file, f"--window-size={WIDTH},{height}", f"--screenshot={picture}")
        if not picture.exists() or picture.read_bytes()[:4] != b"\x89PNG":
            raise Problem(f"{BROWSER} drew no picture of {self.name}")
        self.pictures.append(picture)

    @property
    def charts(self):
        """"drawn", or what Mermaid said."""
        return self.root.attributes.get("data-charts", "the page's script did not run")

    def task_bars(self):
        """Rectangles of the steps in the Gantt chart."""
        return [n for n in self.summary.all("rect") if "task" in n.attributes.get("class", "").split()]

    def table(self, heading):
        """Rows of cell texts of the first table whose head begins with this word; head first."""
        for t in self.summary.all("table"):
            rows = [[c.text.strip() for c in tr.children if isinstance(c, Node) and c.tag in ("td", "th")]
                    for tr in t.all("tr")]
            if rows and rows[0] and rows[0][0] == heading:
                return rows
        raise Problem(f"no table that begins with {heading!r}")

    def facts(self):
        """{name: text} of the table without a head."""
        table = self.summary.first("table")
        return {tr.first("th").text: tr.first("td").text for tr in table.all("tr")}

    def fold(self, begins):
        """The <details> whose summary begins so."""
        for d in self.summary.all("details"):
            if d.first("summary").text.startswith(begins):
                return d
        raise Problem(f"nothing folded that begins with {begins!r}")
