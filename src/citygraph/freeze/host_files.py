"""Configuration of hosts: redirections, media types and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from citygraph.rdf.formats import BY_NAME

# Extensions that the type tables of hosts lack, or have with another type.
_TYPES: Mapping[str, str] = {
    "ttl": BY_NAME["ttl"].content_type,
    "nt": BY_NAME["nt"].content_type,
    "nq": BY_NAME["nq"].content_type,
    "trig": BY_NAME["trig"].content_type,
    "jsonld": BY_NAME["jsonld"].content_type,
    "rdf": "application/rdf+xml",
    "rdfp": "application/rdf-patch",
    "parquet": "application/vnd.apache.parquet",
}
# Characters of a decoded path that nginx may put into an address as they are. Others could end the header, or begin
# a query: such a path gets the file of the entity, if there is one.
_SAFE = r"[^\x00-\x20%?#\x7f]"
# Paths that need no quotes in any of the files; `$`, spaces, semicolons and quotes have a meaning in some of them.
_PLAIN = re.compile(r"[\w.~/:@!+,=&*()-]+")
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)


def host_files(root: str, moved: Mapping[str, str], gone: tuple[str, ...]) -> dict[str, bytes]:
    """Returns files by name for Netlify and Cloudflare Pages, Apache and nginx.

    `root` is the path in front of the site, `moved` maps paths to their new paths, `gone` are paths of withdrawn
    entities. Paths that would need quotes are left out: one of them must not make the whole file invalid.
    """
    moved = {path: target for path, target in moved.items() if _PLAIN.fullmatch(path) and _PLAIN.fullmatch(target)}
    gone = tuple(path for path in gone if _PLAIN.fullmatch(path))
    return {
        "_redirects": _redirects(root, moved).encode(),
        "_headers": _headers(root).encode(),
        ".htaccess": _apache(root, moved, gone).encode(),
        "nginx.conf": _nginx(root, moved, gone).encode(),
        # Without it, GitHub Pages hides .well-known and names that begin with an underscore.
        ".nojekyll": b"",
    }


def _redirects(root: str, moved: Mapping[str, str]) -> str:
    exact = [f"{root}/{path} {root}/{target} 301" for path, target in sorted(moved.items())]
    return "\n".join([*exact, f"{root}/id/* {root}/doc/:splat 303", f"{root}/feed {root}/feed.xml 302", ""])


def _headers(root: str) -> str:
    lines = [
        f"{root}/*",
        "  Access-Control-Allow-Origin: *",
        f"  Content-Security-Policy: {_POLICY}",
        "  X-Content-Type-Options: nosniff",
    ]
    for extension, media_type in _TYPES.items():
        lines += [f"{root}/*.{extension}", f"  Content-Type: {media_type}"]
    lines += [f"{root}/.well-known/void", f"  Content-Type: {_TYPES['ttl']}", ""]
    return "\n".join(lines)


def _apache(root: str, moved: Mapping[str, str], gone: tuple[str, ...]) -> str:
    at = unquote(root)  # Apache compares decoded paths, and escapes the targets itself
    start = f"^{_regex(at)}"
    lines = [
        *(f"AddType {_bare(media_type)} .{extension}" for extension, media_type in _TYPES.items()),
        "AddDefaultCharset utf-8",
        f"ErrorDocument 404 {at}/404.html",
        "DirectorySlash On",
        "RewriteEngine On",
        *(f"RedirectMatch 301 {start}/{_regex(path)}$ {at}/{target}" for path, target in sorted(moved.items())),
        *(f"RedirectMatch 410 {start}/{_regex(path)}$" for path in gone),
        f"RedirectMatch 303 {start}/id/(.+?)/?$ {at}/doc/$1",
        f"RedirectMatch 302 {start}/feed$ {at}/feed.xml",
        "",
    ]
    return "\n".join(lines)


def _nginx(root: str, moved: Mapping[str, str], gone: tuple[str, ...]) -> str:
    """Returns a file to include in a `server` block whose root is the folder (above `root`, if the site has one)."""
    at = unquote(root)  # nginx compares decoded paths
    types = "".join(f"  {_bare(media_type)} {extension};\n" for extension, media_type in _TYPES.items())
    exact = "".join(
        f"location = {at}/{path} {{ return 301 {root}/{target}; }}\n" for path, target in sorted(moved.items())
    )
    exact += "".join(f"location = {at}/{path} {{ return 410; }}\n" for path in gone)
    return f"""# For a `server` block. Adds to plain files: 303 from entities to documents, RDF by Accept.
include mime.types;
types {{
{types}}}
error_page 404 {at}/404.html;
absolute_redirect off;
charset utf-8;
add_header Access-Control-Allow-Origin * always;
add_header X-Content-Type-Options nosniff always;
add_header Content-Security-Policy "{_POLICY}" always;
set $form "";
if ($http_accept ~* "^text/turtle") {{ set $form .ttl; }}
if ($http_accept ~* "^application/ld\\+json") {{ set $form .jsonld; }}
{exact}location ~ ^{_regex(at)}/id/(?<thing>{_SAFE}+?)/?$ {{ return 303 {root}/doc/$thing; }}
location = {at}/feed {{ return 302 {root}/feed.xml; }}
location {at}/ {{ try_files $uri$form $uri $uri.html $uri/index.html =404; }}
"""


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0]


def _regex(path: str) -> str:
    return re.sub(r"[^\w/~-]", r"\\\g<0>", path)
