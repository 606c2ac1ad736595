"""Headless Chromium looking at pages in frames of a harness, which tells what it measured as JSON."""

import html
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--allow-file-access-from-files", "--virtual-time-budget=600000", "--enable-logging=stderr",
    "--window-size=1400,1000",
)  # fmt: skip
HARNESS = """<!doctype html><meta charset="utf-8"><body><script>
const pages = PAGES, width = WIDTH, found = {};
function told(d, w) {
  const formulas = [...d.querySelectorAll('svg.maths')];
  const visible = x => x.closest('details:not([open])') || x.getBoundingClientRect().width > 1 && x.getBoundingClientRect().height > 1;
  const drawn = x => [...x.querySelectorAll('use')].every(u => d.querySelector(u.getAttribute('href')));
  const edge = d.documentElement.clientWidth + 1;
  return {
    title: d.title, background: w.getComputedStyle(d.body).backgroundColor, ink: w.getComputedStyle(d.body).color,
    overflow: d.documentElement.scrollWidth - d.documentElement.clientWidth,
    formulas: formulas.length, unlabelled: [...d.querySelectorAll('svg')].filter(x => !x.getAttribute('aria-label') && !x.closest('[aria-hidden]')).length,
    hidden: formulas.filter(x => !visible(x) || !drawn(x)).length,
    headings: [...d.querySelectorAll('h1, h2, h3, h4')].map(x => +x.tagName[1]),
    wide: [...d.querySelectorAll('main p, main li, main h2, main figure')].filter(x => x.getBoundingClientRect().right > edge).length,
    scripts: d.scripts.length, lang: d.documentElement.lang, styled: w.getComputedStyle(d.body).marginTop,
  };
}
function next(k) {
  if (k === pages.length) { document.body.textContent = JSON.stringify(found); return; }
  const frame = document.createElement('iframe');
  frame.style.cssText = `width:${width}px;height:800px;border:0`;
  frame.onload = () => { found[pages[k]] = told(frame.contentDocument, frame.contentWindow); frame.remove(); next(k + 1); };
  frame.src = 'FOLDER/' + pages[k];
  document.body.append(frame);
}
next(0);
</script>"""


def look(folder, pages, *, width, dark=False):
    """Return what the browser measured of each page, and what it wrote to the console."""
    with tempfile.TemporaryDirectory() as place:
        harness = Path(place) / "harness.html"
        text = HARNESS.replace("PAGES", json.dumps(pages)).replace("WIDTH", str(width))
        harness.write_text(text.replace("FOLDER", folder.resolve().as_uri()), encoding="utf-8")
        flags = [*FLAGS, f"--user-data-dir={place}/profile"]
        flags += ["--blink-settings=preferredColorScheme=0"] if dark else []
        done = subprocess.run(
            [CHROMIUM, *flags, "--dump-dom", harness.as_uri()],
            capture_output=True, text=True, timeout=180, check=True,
        )  # fmt: skip
    body = re.search(r"<body>(\{.*\})</body>", done.stdout, re.DOTALL)
    assert body, done.stdout[-2000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(body[1])), console
