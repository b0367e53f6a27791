"""A bar chart as SVG, without library or script, legible in light and dark mode."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LABELS, _VALUES = 760, 230, 110
_ROW, _HEAD, _GAP = 22, 34, 18
_PRODUCT, _OTHERS, _TEXT = "#2f6fde", "#9aa5b1", "#6b7280"
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    text: str
    is_product: bool


@dataclass(frozen=True)
class Panel:
    title: str
    bars: Sequence[Bar]


def draw(panels: Sequence[Panel], *, caption: str) -> str:
    rows, y = [], 0
    for panel in panels:
        rows += _panel(panel, y)
        y += _HEAD + _ROW * len(panel.bars) + _GAP
    rows.append(f'<text x="0" y="{y + 12}" font-size="11" fill="{_TEXT}">{escape(caption)}</text>')
    size = f'viewBox="0 0 {_WIDTH} {y + 24}" width="{_WIDTH}" height="{y + 24}"'
    title = f"<title>{escape('; '.join(panel.title for panel in panels))}</title>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {_FONT}>'
    return "\n".join([head, title, *rows, "</svg>", ""])


def _panel(panel: Panel, top: int) -> list[str]:
    maximum = max((bar.value for bar in panel.bars), default=1) or 1
    rows = [f'<text x="0" y="{top + 20}" font-weight="600" fill="{_TEXT}">{escape(panel.title)}</text>']
    for number, bar in enumerate(panel.bars):
        y = top + _HEAD + number * _ROW
        width = max(1, round((_WIDTH - _LABELS - _VALUES) * bar.value / maximum))
        color, weight = (_PRODUCT, "600") if bar.is_product else (_OTHERS, "400")
        rows += [
            f'<text x="0" y="{y + 13}" font-weight="{weight}" fill="{_TEXT}">{escape(bar.label)}</text>',
            f'<rect x="{_LABELS}" y="{y}" width="{width}" height="16" rx="2" fill="{color}"/>',
            f'<text x="{_LABELS + width + 8}" y="{y + 13}" fill="{_TEXT}">{escape(bar.text)}</text>',
        ]
    return rows
