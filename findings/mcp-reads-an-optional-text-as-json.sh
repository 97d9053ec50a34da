#!/usr/bin/env bash
# A parameter of a tool in the MCP server of mcp 2.3.0 that is annotated `str` gets the text that was sent. With `str | None`
# a text is read as JSON first: "null" becomes None, and the text of a JSON object or list is refused as no string. The
# published schema allows each string in both. A good engineer would expect that an optional parameter differs only in its
# absence. A tool that takes JSON, a query or any name should have `text: str = ""`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mcp==2.3.0
"$folder/venv/bin/python" - 2> "$folder/log" <<'PY' > "$folder/seen"
import asyncio

from mcp import Client
from mcp.server.mcpserver import MCPServer

server = MCPServer("towns")


@server.tool()
def required(text: str) -> str:
    return repr(text)


@server.tool()
def optional(text: str | None = None) -> str:
    return repr(text)


async def main():
    async with Client(server) as client:
        for tool in (await client.list_tools()).tools:
            schema = tool.input_schema["properties"]["text"]
            print(tool.name, schema.get("type") or [part["type"] for part in schema["anyOf"]])
        for text in ("Bath", "null", '{"town": "Bath"}', '["Bath"]'):
            for name in ("required", "optional"):
                result = await client.call_tool(name, {"text": text})
                print(text, name, "refused" if result.is_error else f"gets {result.content[0].text}")


asyncio.run(main())
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
required string
optional ['string', 'null']
Bath required gets 'Bath'
Bath optional gets 'Bath'
null required gets 'null'
null optional gets None
{"town": "Bath"} required gets '{"town": "Bath"}'
{"town": "Bath"} optional refused
["Bath"] required gets '["Bath"]'
["Bath"] optional refused
SEEN
echo "as described"
