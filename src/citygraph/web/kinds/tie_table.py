"""The ties of a place as HTML. Not in a template: a page has up to a hundred rows of ten values."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from citygraph.bounded_cache import kept_by_short_texts
from citygraph.catalogues import ENGLISH
from citygraph.text import escaped, trusted
from citygraph.web.http.addresses import Addresses
from citygraph.web.kinds.page_context import TablePart
from citygraph.web.kinds.ties import Tie, TieView
from citygraph.web.view.translations import N_, Translations
from citygraph.web.view.values import date, interval_text, number

# The columns that sort the table: name, heading, class, and the heading in full.
_COLUMNS = (
    ("number", N_("No."), "no", N_("in order of the council acts")),
    ("name", N_("Partner"), "", ""),
    ("country", N_("Country"), "", ""),
    ("act", N_("Council act"), "", ""),
    ("protocol", N_("Protocol"), "", ""),
    ("days", N_("Days between"), "number", N_("from the council act to the protocol")),
    ("distance", N_("Distance"), "number", ""),
)


_FEW = 5  # ties without a field to filter them


def tie_section(view: TieView, _: Translations, addresses: Addresses, csv: str, turns: str) -> str:
    """Returns the ties of a place with a field to filter them; `turns` are the links to the other pages."""
    shown = number(str(view.total), _)
    if view.text:
        shown = escaped(_("{number} of {total}", number=number(str(len(view.ties)), _), total=shown))
    is_long = view.total > _FEW
    table = f"{tie_table(view, _, addresses)}{turns}" if view.ties else _nothing(view, _)
    heading, as_csv = escaped(_("Agreements")), escaped(_("This table as CSV"))
    return (
        '<section id="ties" class="ties">\n<header class="bar">\n'
        f'<h2>{heading} <span class="count">{shown}</span></h2>\n'
        f"{_filter(view, _) if is_long else ''}</header>\n{_sorting(view, _) if is_long else ''}{table}"
        f'<p class="take"><a href="{escaped(csv)}">{as_csv}</a></p>\n</section>\n'
    )


def _nothing(view: TieView, _: Translations) -> str:
    text = escaped(_("No partner or country has “{text}” in its name.", text=view.text))
    return f'<p class="nothing">{text}</p>\n'


def _filter(view: TieView, _: Translations) -> str:
    """Returns the field that filters the ties, which keeps their order, the date and the language."""
    sort = "" if view.sort == _COLUMNS[0][0] else view.sort
    kept = (("sort", sort), ("at", view.at), ("lang", "" if _.language == ENGLISH else _.language))
    hidden = "".join([f'<input type="hidden" name="{name}" value="{escaped(value)}">' for name, value in kept if value])
    name, label, button = _("Find in this table"), _("Partner or country"), _("Filter")
    every = ""
    if view.text:
        show_all = escaped(_("Show all"))
        at = f"at={escaped(view.at)}&amp;" if view.at else ""
        every = f'<a href="?{at}{f"sort={escaped(sort)}" if sort else ""}#ties">{show_all}</a>'
    return (
        f'<form class="sift" action="#ties" role="search" aria-label="{escaped(name)}">\n'
        f'<label for="sift">{escaped(label)}</label>\n'
        f'<input id="sift" name="q" type="search" value="{escaped(view.text)}">\n'
        f"{hidden}<button>{escaped(button)}</button>\n{every}</form>\n"
    )


def _sorting(view: TieView, _: Translations) -> str:
    """Returns the links that sort the ties, for screens on which the table has no headings."""
    links = []
    for name, heading, *_rest in _COLUMNS:
        current, arrow = _DIRECTIONS[view.direction(name)]
        href = escaped(view.address(name))
        links.append(f'<a href="{href}" rel="nofollow"{current}>{escaped(_(heading))}{arrow}</a>')
    caption = escaped(_("Sorted by"))
    return f'<p class="sorting">{caption} {" · ".join(links)}</p>\n'


_DIRECTIONS = {
    "": ("", ""),
    "ascending": (' aria-current="true"', " ↑"),
    "descending": (' aria-current="true"', " ↓"),
}


def tie_table(view: TieView, _: Translations, addresses: Addresses) -> Markup:
    """Returns the ties of a part as a table whose headings sort it."""
    head = _head(_.language, view.sort, view.text, view.at)
    rows = _TieRows(_, addresses)
    return trusted(f"{head}<tbody>\n{''.join(map(rows.row, view.part.rows))}</tbody>\n</table>\n")


# Nearly all tables are sorted by number and not filtered.
@kept_by_short_texts(128)
def _head(language: str, sort: str, text: str, at: str) -> str:
    """Returns the beginning of a table, which does not depend on its rows."""
    _ = Translations(language)
    view = TieView(sort, text, (), TablePart((), 1, 0, 1, 1), 0, at)
    caption = escaped(_("Agreements, one per row; column headings sort the table."))
    columns = "".join(
        [_column(view, name, _(heading), class_, _(full) if full else "") for name, heading, class_, full in _COLUMNS]
    )
    sources = escaped(_("Sources"))
    return (
        f'<table>\n<caption class="unseen">{caption}</caption>\n<thead>\n<tr>\n{columns}'
        f'<th scope="col" class="said">{sources}</th>\n</tr>\n</thead>\n'
    )


def _column(view: TieView, name: str, heading: str, class_: str, full: str) -> str:
    shown = f' class="{class_}"' if class_ else ""
    direction = f' aria-sort="{view.direction(name)}"' if view.direction(name) else ""
    title = f' title="{escaped(full)}"' if full else ""
    link = f'<a href="{escaped(view.address(name))}" rel="nofollow"{title}>{escaped(heading)}</a>'
    return f'<th scope="col"{shown}{direction}>{link}</th>\n\n'


class _TieRows:
    """Writes rows; the texts that all rows have are translated once."""

    def __init__(self, _: Translations, addresses: Addresses) -> None:
        self._translations = _
        self._local = addresses.local
        self._act, self._protocol = escaped(_("Council act")), escaped(_("Protocol"))
        self._none = f'<span class="none">{escaped(_("not given"))}</span>'

    def row(self, tie: Tie) -> str:
        """Returns the row of a tie."""
        _ = self._translations
        agreement = f'<a href="{escaped(self._local(tie.agreement))}" title="{escaped(tie.name.text)}">{tie.number}</a>'
        names = ", ".join([partner.name.__html__() for partner in tie.partners]) or tie.name.__html__()
        standing = f' <span class="standing">{escaped(tie.validity)}</span>' if tie.validity else ""
        days = " / ".join([number(lexical, _).replace("-", "−") for lexical in tie.days])
        km = tie.km
        distance = escaped(_("{number} km", number=number(str(round(km)), _))) if km is not None else ""
        classes = f"{'backwards ' if tie.backwards else ''}{'faint' if tie.validity else ''}"
        protocols = f"{self._dates(tie.protocols)}{self._intervals(tie)}"
        return (
            f'<tr data-n="{tie.number}" class="{classes}">\n'
            f'<td class="no">{agreement}</td>\n'
            f'<th scope="row">{names}{standing}</th>\n'
            f'<td class="country">{_countries(tie)}</td>\n'
            f'<td class="date act" data-label="{self._act}">{self._dates(tie.acts)}</td>\n'
            f'<td class="date protocol" data-label="{self._protocol}">{protocols}</td>\n'
            f'<td class="number days">{days}</td>\n'
            f'<td class="number km">{distance}</td>\n'
            f'<td class="said">{"".join([note.__html__() for note in tie.notes])}</td>\n</tr>\n'
        )

    def _dates(self, lexicals: Iterable[str]) -> str:
        times = [f'<time datetime="{escaped(one)}">{escaped(date(one, self._translations))}</time>' for one in lexicals]
        return " / ".join(times) or self._none

    def _intervals(self, tie: Tie) -> str:
        shown = ((interval_text(one, self._translations), one.is_open) for one in tie.additional_intervals)
        return "".join(
            [f' <span class="{"since" if is_open else "ended"}">{escaped(text)}</span>' for text, is_open in shown]
        )


def _countries(tie: Tie) -> str:
    """Returns the countries of each partner; a partner without a country leaves no comma behind."""
    texts = ""
    for place, partner in enumerate(tie.partners, 1):
        texts += " / ".join([country.__html__() for country in partner.countries])
        texts += ", " if partner.countries and place < len(tie.partners) else ""
    return texts
