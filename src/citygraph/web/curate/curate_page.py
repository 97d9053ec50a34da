"""/curate: spreadsheets uploaded, checked, previewed, published and undone; it works without JavaScript.

The token is a field of each form, sent by POST only: there is no session, so no other site can make a browser write.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from pathlib import PurePosixPath
from threading import BoundedSemaphore
from typing import Any

from markupsafe import Markup
from werkzeug.datastructures import FileStorage, MultiDict

from citygraph.commit.change import Change, Conditions, Update
from citygraph.errors import Busy, Conflict, PreconditionFailed, Unauthorized, UsageError
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.sheets.cell_problems import CellProblem
from citygraph.sheets.check import CheckedSheets
from citygraph.sheets.problem_report import difference_html, report_html
from citygraph.web.curate.kept_checks import KeptCheck, KeptChecks
from citygraph.web.curate.upload_check import UploadOptions, check_upload
from citygraph.web.http.bodies import parts_of
from citygraph.web.http.messages import NO_STORE, Reply, Request
from citygraph.web.http.replies import HTML, reply
from citygraph.web.sparql.update import Principal, WriteAccess
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.templates import Templates

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ORDERS = ("", "dmy", "mdy")
_MOST_FILES, _LONGEST_NAME = 20, 120
_PATIENCE = 10.0  # seconds for another check to end


class CuratePage:
    """The steps of an import: upload, report and preview, publication, undo."""

    def __init__(self, settings: Settings, releases: Releases, access: WriteAccess, pages: Templates) -> None:
        self._settings = settings
        self._releases = releases
        self._access = access
        self._pages = pages
        self._kept_checks = KeptChecks(settings.releases.parent / "curate")
        # A check needs a core and much memory.
        self._checks = BoundedSemaphore(1)

    def answer(self, request: Request) -> Reply:
        """Returns the form, or the outcome of the step that a form asks for. Raises what the steps raise."""
        if "token" in request.args:
            raise UsageError("a token is never part of an address: send it in the form")
        if request.method in ("GET", "HEAD"):
            return self._page(request, HTTPStatus.OK)
        if request.header("Authorization"):
            # Before the body is received.
            self._access.admit(request)
        fields, files = parts_of(request.environ, self._access.body(request), self._settings.body_limit)
        token = fields.get("token", "").strip()
        if not token and not request.header("Authorization"):
            raise Unauthorized("a token is required: write it into the form")
        principal = self._access.admit(request, token)
        step = fields.get("do", "check")
        if step == "check":
            return self._check(request, principal, fields, files)
        check = self._kept_checks.get(fields.get("check", ""), principal.holder.name)
        if step == "copy":
            return self._copy(check)
        if step == "publish":
            return self._publish(request, principal, fields, check)
        if step == "undo":
            return self._undo(request, principal, fields, check)
        raise UsageError("do must be one of check, copy, publish, undo")

    def _check(
        self, request: Request, principal: Principal, fields: MultiDict[str, str], files: MultiDict[str, FileStorage]
    ) -> Reply:
        uploaded = _named(file for file in files.getlist("files") if file.filename)
        reader = page_request_of(request, self._settings)
        order = fields.get("order", "")
        if order not in _ORDERS:
            raise UsageError("order must be dmy or mdy")
        holder = principal.holder
        options = UploadOptions(
            reader.translations.language,
            order,
            fields.get("encoding", "").strip()[:40],
            holder.prefixes,
            "complete" in fields,
        )
        read = (*(part for name, data in uploaded.items() for part in (name.encode(), data)), repr(options).encode())
        name = self._kept_checks.name_of(holder.name, (*read, self._releases.current_id().encode()))
        if not self._checks.acquire(timeout=_PATIENCE):
            raise Busy("other files are being checked", retry_after=10)
        try:
            upload = check_upload(uploaded, options, self._settings, self._kept_checks.copy_path(name))
        finally:
            self._checks.release()
        check = self._kept_checks.keep(KeptCheck(name, holder.name, upload))
        status = HTTPStatus.UNPROCESSABLE_ENTITY if upload.errors else HTTPStatus.OK
        return self._page(request, status, check, _token(fields))

    def _copy(self, check: KeptCheck) -> Reply:
        path = self._kept_checks.copy_path(check.name)
        if not path.is_file():
            raise UsageError("the files have no problems that a copy could show")
        headers = [
            ("Content-Type", _XLSX),
            ("Content-Disposition", 'attachment; filename="problems.xlsx"'),
            ("Cache-Control", NO_STORE),
        ]
        return Reply(HTTPStatus.OK, headers, path.read_bytes())

    def _publish(self, request: Request, principal: Principal, fields: MultiDict[str, str], check: KeptCheck) -> Reply:
        upload = check.upload
        if upload.errors:
            raise UsageError("the files have errors: nothing was published")
        # A form that is sent twice publishes once.
        if check.published:
            return self._page(request, HTTPStatus.OK, check, _token(fields))
        message = fields.get("message", "").strip()[:500] or ", ".join(upload.files)
        try:
            release = self._commit(request, principal, upload.update(), message, upload.versions.items())
        except (PreconditionFailed, Conflict):
            conflicts = upload.conflicts(self._releases.current())
            if not conflicts:
                raise
            return self._page(request, HTTPStatus.CONFLICT, check, _token(fields), conflicts)
        before = self._releases.get(release).manifest.parent or ""
        published = self._kept_checks.mark_published(check, before, release)
        return self._page(request, HTTPStatus.OK, published, _token(fields))

    def _undo(self, request: Request, principal: Principal, fields: MultiDict[str, str], check: KeptCheck) -> Reply:
        if not check.published:
            raise UsageError("these files were not published: there is nothing to undo")
        if not check.undone:
            published = self._releases.get(check.published)
            versions = [(graph, published.version_of(graph)) for graph in check.upload.versions]
            message = f"undo {check.published}"
            release = self._commit(request, principal, check.upload.reverse(), message, versions)
            check = self._kept_checks.mark_undone(check, release)
        return self._page(request, HTTPStatus.OK, check, _token(fields))

    def _commit(
        self,
        request: Request,
        principal: Principal,
        update: Update,
        message: str,
        versions: Iterable[tuple[str, str]],
    ) -> str:
        holder = principal.holder
        conditions = Conditions(versions=tuple(versions))
        change = Change(update, holder.name, message, holder.prefixes, conditions)
        return self._access.commit(request, principal, change).release

    def _page(
        self,
        request: Request,
        status: HTTPStatus,
        check: KeptCheck | None = None,
        token: str = "",
        conflicts: Iterable[CellProblem] = (),
    ) -> Reply:
        reader = page_request_of(request, self._settings)
        translations = reader.translations
        fragments = self._fragments(check, tuple(conflicts), reader) if check else {"report": "", "preview": ""}
        page = self._pages.page(
            "curate.html",
            reader,
            self._releases.current(),
            check=check,
            token=token,
            conflict=bool(conflicts),
            copied=check is not None and self._kept_checks.copy_path(check.name).is_file(),
            action=reader.in_language(translations.language),
            limit=self._settings.body_limit // (1024 * 1024),
            **fragments,
        )
        # Neither a cache nor the disk of the browser keeps a page with a token.
        answered = reply(request, page, HTML, translations.language, NO_STORE)
        answered.status = status
        return answered

    def _fragments(self, check: KeptCheck, conflicts: tuple[CellProblem, ...], reader: PageRequest) -> dict[str, Any]:
        upload, translate = check.upload, reader.translations
        notes = tuple(translate.error(note) or note for note in upload.notes)
        checked = CheckedSheets((), conflicts or upload.problems, notes)
        # The functions escape every value themselves.
        report = Markup(report_html(checked, translate))  # noqa: S704
        preview = difference_html(upload.difference, upload.address_of, translate)
        return {"report": report, "preview": Markup(preview)}  # noqa: S704


def _named(files: Iterable[FileStorage]) -> dict[str, bytes]:
    """Returns the content of the files by their names, without folders. Raises UsageError."""
    named: dict[str, bytes] = {}
    for file in files:
        name = PurePosixPath((file.filename or "").replace("\\", "/")).name
        name = "".join(letter for letter in name if letter.isprintable())
        if not name.strip(". "):
            raise UsageError("a file has no name")
        if len(name.encode()) > _LONGEST_NAME:
            raise UsageError(f"the name of the file {name[:40]} is longer than {_LONGEST_NAME} bytes")
        if name in named:
            raise UsageError(f"two files are named {name}: rename one of them")
        named[name] = file.read()
    if not named:
        raise UsageError("no file was sent: choose at least one spreadsheet")
    if len(named) > _MOST_FILES:
        raise UsageError(f"{len(named)} files were sent; the most are {_MOST_FILES}")
    return named


def _token(fields: MultiDict[str, str]) -> str:
    return fields.get("token", "").strip()
