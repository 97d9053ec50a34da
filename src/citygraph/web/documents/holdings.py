"""What a release holds whole: its description at /.well-known/void, its dumps and its tables."""

from __future__ import annotations

import json

from flask import Blueprint, Response, redirect, request, send_file
from pyoxigraph import Quad

from citygraph.products.offers import CSVW, DUMPS, PACKAGE
from citygraph.release import Release
from citygraph.web.answering.answers import modified, not_known
from citygraph.web.answering.replies import GRAPHS, HTML, JSON, chosen, reply
from citygraph.web.past.differences import written_as
from citygraph.web.past.era import Past

_TYPES = {offer.path: offer.content_type for offer in (*DUMPS, PACKAGE, CSVW)}
_BY_END = {"csv": "text/csv; charset=utf-8; header=present", "parquet": "application/vnd.apache.parquet"}
_FOLDERS = ("dumps", "tables")


class Holdings:
    """The addresses; `blueprint` mounts them."""

    def __init__(self, past: Past) -> None:
        self._past = past

    def blueprint(self) -> Blueprint:
        """The addresses."""
        blueprint = Blueprint("holdings", __name__)
        blueprint.add_url_rule("/.well-known/void", "void", self.void, methods=["GET"])
        for folder in _FOLDERS:
            blueprint.add_url_rule(f"/{folder}", f"{folder}-list", self.listed, methods=["GET"])
            blueprint.add_url_rule(f"/{folder}/<path:name>", folder, self.file, methods=["GET"])
        return blueprint

    def void(self) -> Response:
        """The dataset as VoID, DCAT and DQV; a browser is led to the page."""
        offer = chosen(request, (*GRAPHS, HTML))
        if offer is HTML:
            return redirect(self._past.reader(request).addresses.path("dataset"), 303)  # type: ignore[return-value]
        triples = self._past.opened(request.environ).about_dataset
        return reply(request, written_as([Quad(*triple) for triple in triples], offer), offer)

    def listed(self) -> Response:
        """The files of a folder, with sizes and checksums; the page of the dataset tells people of them."""
        offer = chosen(request, (JSON, HTML))
        addresses = self._past.reader(request).addresses
        if offer is HTML:
            return redirect(addresses.path("dataset"), 303)  # type: ignore[return-value]
        folder = request.path.strip("/") + "/"
        release = self._built(self._past.opened(request.environ).release)
        outputs = release.manifest.outputs
        files = [{"url": addresses.path(path), **facts} for path, facts in outputs.items() if path.startswith(folder)]
        return reply(request, json.dumps({"release": release.id, "files": files}, indent=1) + "\n", offer)

    def file(self, name: str) -> Response:
        """A dump or a table; parts of it by Range. Raises NotFound if the release has no such file.

        Commits make none: what is asked of their releases is found at the release of the last build before.
        """
        del name  # with the folder in front it is the path of the request
        release = self._past.opened(request.environ).release
        path = request.path[1:]
        built = self._built(release)
        if built is not release and path in built.manifest.outputs:
            response = redirect(f"{self._past.root(request.environ)}/releases/{built.id}/{path}", 307)
            response.headers["Cache-Control"] = "public, max-age=60"
            return response  # type: ignore[return-value]
        facts = release.manifest.outputs.get(path)
        if facts is None:
            raise not_known(path)
        response = send_file(
            (release.path / path).absolute(), _type(path), conditional=True, etag=str(facts["sha256"]),
            last_modified=modified(release), max_age=60, as_attachment=True, download_name=_download(release, path),
        )  # fmt: skip
        response.headers["Cache-Control"] = "public, max-age=60"
        response.headers.add("Link", '<https://creativecommons.org/publicdomain/zero/1.0/>; rel="license"')
        dataset = self._past.reader(request).addresses.path("dataset")
        response.headers.add("Link", f'<{dataset}>; rel="collection describedby"')
        return response

    def _built(self, release: Release) -> Release:
        """The release itself, or the nearest one before it that has files."""
        found: Release | None = release
        while found is not None and not found.manifest.outputs:
            found = self._past.timeline.get(found.manifest.parent or "")
        return found or release


def _type(path: str) -> str:
    return _TYPES.get(path) or _BY_END.get(path.rpartition(".")[2], "application/octet-stream")


def _download(release: Release, path: str) -> str:
    """The name to save a file under: it tells the release, so that two never overwrite each other."""
    stem, dot, ending = path.rpartition("/")[2].partition(".")
    return f"{stem}-{release.id[:10]}{dot}{ending}"
