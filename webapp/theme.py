"""The look: one palette for Streamlit (as configuration, in code) and Gradio (as a theme), light and dark.

No font, script or picture comes from outside this server: the fonts are Streamlit's own and the system's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio

ACCENT, ACCENT_DARK = "#0f766e", "#2dd4bf"
"""Deep teal: calm, and far from every skin tone, so that faces stay the warm part of a page."""

_LIGHT = {
    "primaryColor": ACCENT,
    "backgroundColor": "#fbfbf9",
    "secondaryBackgroundColor": "#f1f2ee",
    "textColor": "#1d2b2a",
    "linkColor": ACCENT,
    "borderColor": "#e0e3dd",
    "sidebar.backgroundColor": "#f3f4f0",
    "sidebar.secondaryBackgroundColor": "#e6e9e3",
}
_DARK = {
    "primaryColor": ACCENT_DARK,
    "backgroundColor": "#131918",
    "secondaryBackgroundColor": "#1d2524",
    "textColor": "#e6ecea",
    "linkColor": "#5eead4",
    "borderColor": "#2e3938",
    "sidebar.backgroundColor": "#182020",
    "sidebar.secondaryBackgroundColor": "#243030",
}
_SHAPE = {
    "font": "sans-serif",
    "baseRadius": "0.75rem",
    "buttonRadius": "0.6rem",
    "showWidgetBorder": True,
    "metricValueFontSize": "1.9rem",
    "headingFontSizes": ["2rem", "1.35rem", "1.1rem"],
    "headingFontWeights": [650, 600, 600],
    "chartCategoricalColors": [ACCENT, "#d97706", "#7c3aed", "#db2777", "#2563eb", "#65a30d"],
}

STREAMLIT: dict[str, Any] = {
    **{f"theme.{name}": value for name, value in _SHAPE.items()},
    **{f"theme.light.{name}": value for name, value in _LIGHT.items()},
    **{f"theme.dark.{name}": value for name, value in _DARK.items()},
}

STATIC = Path(__file__).with_name("static")
LOGO, ICON = str(STATIC / "logo.svg"), str(STATIC / "icon.svg")

CSS = """
<style>
:root { --card: color-mix(in srgb, currentColor 5%, transparent); --accent: #14b8a6; --strong: #0f766e;
  --surface: light-dark(#fff, #182020); --line: light-dark(#e0e3dd, #2e3938); }
.stMainBlockContainer { max-width: 82rem; padding-top: 3.5rem; padding-bottom: 4rem; }
/* Nobody links to a heading, and each link would be a stop of the Tab key. */
[data-testid="stHeaderActionElements"] { display: none; }
/* Streamlit sets titles lower than those that stand beside a button. */
.stMain h1 { letter-spacing: -0.015em; padding-top: 0; }
[data-testid="stMetric"] { background: var(--surface); border: 1px solid var(--line); padding: 0 .2rem; }
[data-testid="stBaseLinkButton-primary"] :is(p, span) { color: inherit; }
[class*="st-key-card"] { background: var(--surface); border-color: var(--line); }
/* In a card, the link is the thing to do: it looks like the button that it is. */
[class*="st-key-card"] [data-testid="stPageLink-NavLink"] { background: var(--strong); padding: .4rem .9rem; }
[class*="st-key-card"] [data-testid="stPageLink-NavLink"]:hover { background: #115e59; }
/* Streamlit shows the focus of these by their ground, which is ours, and that of the page not at all. */
:is([data-testid="stPageLink-NavLink"], .link-button):focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px; }
.stMain:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
[class*="st-key-card"] [data-testid="stPageLink-NavLink"] * { color: #fff; }
.link-button { display: inline-block; background: var(--strong); color: #fff !important; border-radius: .6rem;
  padding: .45rem 1rem; font-weight: 600; text-decoration: none !important; }
.link-button:hover { background: #115e59; }
/* What is done with the chosen photos or people stays in view while they scroll by. */
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-choice-"]) { position: sticky; top: 3.6rem; z-index: 20;
  margin: -.5rem; padding: .5rem; border-radius: .9rem;
  background: color-mix(in srgb, var(--surface) 85%, transparent); backdrop-filter: blur(18px); }
/* A table without headings has no empty row for them. */
.stMarkdown thead:not(:has(th:not(:empty))) { display: none; }
/* Streamlit's grey is too pale on our grounds: 4.5 to 1 is the least that can be read by everybody (WCAG 1.4.3). */
[data-testid="stCaptionContainer"] { color: inherit; opacity: .78; }
[data-testid="stCaptionContainer"] :is(p, li, code) { color: inherit; }
/* Below the header, which hides what lies under it there. */
@media (max-width: 640px) { .stMainBlockContainer { padding-top: 4.3rem; } }
/* Over what is typed on narrow pages. */
@media (max-width: 640px) { [data-testid="InputInstructions"] { display: none; } }
/* Nobody presses a key on a phone. */
@media (max-width: 640px) { [data-has-shortcut] > kbd { display: none; } }
/* Name and facts beside the picture, buttons below. */
@media (max-width: 640px) { [class*="st-key-portrait"] > :nth-child(2) { flex: 1 1 65%; } }
/* The map is as large as the page, until the faces of a selection stand beside it. */
.st-key-card-map-chart { min-height: max(28rem, calc(100vh - 22.5rem)); }
[data-testid="stHorizontalBlock"]:has(.st-key-card-map-chart):not(:has(.st-key-map-selected)) {
  > :first-child { flex: 1 1 100%; } > :last-child { display: none; } }
/* Nothing to be seen, and no gap around it. */
[class*="st-key-address-"] { position: absolute; }
/* Two buttons and a sentence are too much for one line there. */
@media (max-width: 640px) {
  [class*="st-key-decision-"]:has([class*="st-key-back-"]) > :first-child { flex: 1 1 100%; }
}
/* There, messages lie over the header: anywhere else they would cover what is to be read or pressed. */
@media (max-width: 640px) {
  .stToastContainer.stToastContainer { top: .3rem !important; left: 6.5rem; right: .5rem; z-index: 999999; }
  .stToastContainer [data-testid="stToast"] { width: 100%; padding: .4rem .6rem; min-height: 0; }
}
/* White on the bright accent of the dark theme can't be read. */
[data-testid^="stBaseButton-primary"]:not(:disabled), [data-testid="stPopoverButton"][kind="primary"],
[data-testid="stBaseLinkButton-primary"] { background: var(--strong); border-color: var(--strong);
  color: #fff; }
[data-testid^="stBaseButton-primary"]:not(:disabled):hover, [data-testid="stPopoverButton"][kind="primary"]:hover,
[data-testid="stBaseLinkButton-primary"]:hover { background: #115e59; border-color: #115e59; }
/* Streamlit darkens the accent under the pointer, in the dark theme, too, where it can't be read then. */
:is([data-testid="stBaseButton-tertiary"], [data-testid="stPopoverButton"][kind="tertiary"]):is(:hover, :active,
  :focus-visible):not(:disabled) { color: light-dark(#0f766e, #2dd4bf); }
.waiting { display: flex; gap: .6rem; }
.waiting img { width: 4.5rem; min-width: 0; flex: 0 1 auto; aspect-ratio: 1; object-fit: cover;
  border-radius: .7rem; background: var(--card); }
</style>
"""
"""What the theme's configuration can't say. Keys: card… is a surface with a fine border, tile-… a photo of
the grid."""

_TEALS = f"""
    #f0fdfa #ccfbf1 #99f6e4 #5eead4 {ACCENT_DARK} #14b8a6 {ACCENT} {ACCENT} #115e59 #134e4a #042f2e
""".split()
"""From the lightest to the darkest, as Gradio wants them."""

GRADIO_CSS = (STATIC / "gradio.css").read_text(encoding="utf-8")
GRADIO_SCRIPT = (STATIC / "gradio_camera.js").read_text(encoding="utf-8")


def sign_in_css(public_path: str = "") -> str:
    """The style of the pages before the app, in its own colours, light and dark."""

    def colours(palette: dict[str, str], on_accent: str) -> str:
        names = {"ground": "backgroundColor", "field": "secondaryBackgroundColor", "text": "textColor",
                 "line": "borderColor", "accent": "primaryColor"}  # fmt: skip
        return " ".join(f"--{name}: {palette[key]};" for name, key in names.items()) + f" --on-accent: {on_accent};"

    source = f"src: url('{public_path}/sign-in/font')"
    font = f"@font-face {{ font-family: 'Source Sans'; font-weight: 200 900; {source}; }}"
    light, dark = colours(_LIGHT, "#ffffff"), colours(_DARK, "#06231f")
    return (
        f"{font}\n:root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        + (STATIC / "sign-in.css").read_text(encoding="utf-8")
    )


def font_files() -> dict[str, Path]:
    """The variable fonts that Streamlit brings along: style -> file."""
    import streamlit

    folder = Path(streamlit.__file__).parent / "static" / "static" / "media"
    patterns = {"normal": "SourceSansVF-Upright*.woff2", "italic": "SourceSansVF-Italic*.woff2"}
    return {style: file for style, pattern in patterns.items() for file in folder.glob(pattern)}


def gradio_css(public_path: str = "") -> str:
    """The recognisers without Gradio's margins and footer, in the pages' font. public_path: see Settings."""
    faces = [
        f"@font-face {{ font-family: 'Source Sans'; font-style: {style}; font-weight: 200 900; "
        f"src: url('{public_path}/static/media/{file.name}') format('woff2'); }}\n"
        for style, file in font_files().items()
    ]
    return "".join(faces) + GRADIO_CSS


def shared_css(public_path: str = "") -> str:
    """The style of shared pages: that of the other pages before the app, and a grid of photos."""
    return sign_in_css(public_path) + (STATIC / "shared.css").read_text(encoding="utf-8")


def gradio_theme() -> gradio.Theme:
    """The same palette for the recognisers, so that they look at home inside the page."""
    import gradio as gr

    teal = gr.themes.Color(*_TEALS)
    fonts = ["Source Sans", "ui-sans-serif", "system-ui", "sans-serif"]
    return gr.themes.Base(
        primary_hue=teal,
        secondary_hue=teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=[gr.themes.Font(name) for name in fonts],
        font_mono=[gr.themes.Font(name) for name in fonts],  # Gradio sets names and numbers in it, not code
    ).set(
        body_background_fill=_LIGHT["backgroundColor"],
        body_background_fill_dark=_DARK["backgroundColor"],
        body_text_color=_LIGHT["textColor"],
        body_text_color_dark=_DARK["textColor"],
        block_background_fill=_LIGHT["secondaryBackgroundColor"],
        block_background_fill_dark=_DARK["secondaryBackgroundColor"],
        block_border_width="0px",
        block_info_text_color="#57605d",
        block_info_text_color_dark="#b4c0bd",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        button_primary_background_fill=ACCENT,
        button_primary_background_fill_hover="#115e59",
        button_primary_text_color="#ffffff",
        button_primary_background_fill_dark=ACCENT,
        button_primary_text_color_dark="#ffffff",
    )
