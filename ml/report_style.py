"""The report's one style sheet: light and dark by the reader's choice, narrow screens, paper.

It names no font, image or address outside the page. Classes are set by ml.report alone; there are
no style attributes, so that the page's policy can allow exactly this text and no other.
"""

from __future__ import annotations

SHADES = 10
"""The cells of a matrix have a class `s0` to `s9`, darker with the share of the row."""

_INK = """
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1b2530; --soft: #5b6875; --rule: #dfe4e9; --panel: #f5f7f9;
  --blue: #1f6fb4; --orange: #b8560b; --right: #1d7a3e; --wrong: #b3261e;
  --shade: 31, 111, 180; --on-shade: #ffffff; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #11161c; --ink: #e3e8ed; --soft: #97a4b1; --rule: #2b343e; --panel: #19212a;
  --blue: #6db3f2; --orange: #f0a35e; --right: #6fcf8f; --wrong: #ff8a80;
  --shade: 109, 179, 242; --on-shade: #0b1118; } }
@media print { :root { color-scheme: light;
  --paper: #ffffff; --ink: #000000; --soft: #444444; --rule: #cccccc; --panel: #ffffff;
  --blue: #1f6fb4; --orange: #b8560b; --right: #1d7a3e; --wrong: #b3261e;
  --shade: 31, 111, 180; --on-shade: #ffffff; } }
"""

_PAGE = """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 66rem; padding: 3rem 1.5rem 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
  "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 3rem 0 .4rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .3rem 0 1rem; max-width: 44rem; }
a { color: var(--blue); text-underline-offset: .15em; }
.soft { color: var(--soft); }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--rule);
  color: var(--soft); font-size: .875rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.75rem 0 1rem; padding: 0; list-style: none; }
.tiles li { background: var(--panel); border: 1px solid var(--rule); border-radius: .5rem;
  padding: .8rem 1rem; }
.tiles b { display: block; font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em; }
.tiles span { display: block; font-size: .8125rem; line-height: 1.4; color: var(--soft); }
.tiles .first b { color: var(--blue); }
"""

_TABLES = """
summary { cursor: pointer; color: var(--blue); margin: .5rem 0; }
.wide { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .9375rem; overflow-wrap: break-word; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: baseline;
  border-bottom: 1px solid var(--rule); }
thead th { font-weight: 600; color: var(--soft); font-size: .8125rem; white-space: nowrap; }
th[scope=row] { font-weight: 500; min-width: 5rem; }
.n { text-align: right; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
.facts { overflow-wrap: anywhere; }
.facts th { color: var(--soft); font-weight: 400; width: 12rem; min-width: 7rem; }
.matrix { font-size: .875rem; }
.matrix th, .matrix td { border: 1px solid var(--paper); padding: .3rem .5rem; }
.matrix td { text-align: center; white-space: nowrap; min-width: 2.3rem; background: var(--panel); }
.matrix th[scope=row] { text-align: right; white-space: nowrap; min-width: 0; }
.matrix thead th { text-align: center; vertical-align: bottom; font-weight: 500; font-size: .875rem;
  color: var(--ink); }
.matrix .d { font-weight: 700; }
.matrix .s0 { color: var(--soft); }
.matrix thead .corner { color: var(--soft); font-size: .75rem; }
.heat { width: 100%; max-width: 40rem; image-rendering: pixelated; border: 1px solid var(--rule);
  display: block; }
"""

_DRAWINGS = """
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr));
  gap: 1rem 2rem; margin: .5rem 0; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr));
  gap: 0 2.5rem; }
.beside > *, .charts > * { min-width: 0; }
.charts figure { margin: 0; }
figcaption { font-size: .8125rem; line-height: 1.45; color: var(--soft); }
.chart { width: 100%; height: auto; display: block; overflow: visible; }
.chart text { font-size: 11px; fill: var(--soft); }
.chart .axis { font-size: 12px; }
.chart .grid { stroke: var(--rule); stroke-width: 1; }
.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart .val { stroke: var(--blue); }
.chart .train, .chart .raw { stroke: var(--orange); stroke-dasharray: 5 4; }
.chart .ideal { stroke: var(--soft); stroke-width: 1; }
.chart circle { fill: var(--paper); stroke-width: 2; }
.chart circle.raw, .chart circle.train { stroke-dasharray: none; }
.chart .dot { fill-opacity: .55; }
.key { white-space: nowrap; margin-right: 1rem; }
.key svg { display: inline-block; width: 1.8rem; height: .7rem; margin-right: .4rem;
  vertical-align: baseline; }
.bar { width: 8rem; height: .55rem; display: block; }
.bar .train { fill: var(--soft); } .bar .val { fill: var(--orange); }
.bar .test { fill: var(--blue); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr));
  gap: 1.1rem; margin: 1rem 0; padding: 0; }
.pictures figure { margin: 0; scroll-margin-top: 1rem; }
.pictures figure:target { outline: 2px solid var(--blue); outline-offset: .4rem; }
.pictures .frame { display: flex; align-items: center; justify-content: center; aspect-ratio: 1;
  background: var(--panel); border: 1px solid var(--rule); border-radius: .4rem; overflow: hidden; }
.pictures img { width: 100%; height: 100%; object-fit: contain; }
.pictures .tiny { image-rendering: pixelated; }
.pictures figcaption { margin-top: .4rem; }
.pictures b { font-weight: 600; }
.right { color: var(--right); } .wrong { color: var(--wrong); }
@media (max-width: 32rem) { body { padding: 1.5rem 1rem 3rem; } h1 { font-size: 1.4rem; }
  th, td { padding-right: .45rem; } table { font-size: .875rem; } th[scope=row] { min-width: 0; }
  .facts th { width: 8rem; min-width: 7rem; } .pictures { grid-template-columns: repeat(2, 1fr); }
  .tiles { grid-template-columns: repeat(2, 1fr); } }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  h2, h3, p { break-after: avoid; } h2 { margin-top: 2rem; }
  figure, tr, .tiles li { break-inside: avoid; }
  .wide { overflow: visible; } a { color: inherit; text-decoration: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def style_sheet() -> str:
    """The whole of it."""
    return _INK + _PAGE + _TABLES + _shades() + _DRAWINGS


def _shades() -> str:
    """The matrix's shades. From the middle on, the ink is that of the paper."""
    rules = []
    for at in range(1, SHADES):
        ink = " color: var(--on-shade);" if at > SHADES // 2 else ""
        opacity = 0.1 + 0.9 * (at - 1) / (SHADES - 2)
        rules.append(f".matrix .s{at} {{ background: rgba(var(--shade), {opacity:.2f});{ink} }}")
    return "\n".join(rules) + "\n"
