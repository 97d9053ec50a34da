// The workbench at /sparql: the form that is there without JavaScript becomes an editor with views of the result.

import { start } from "./workbench/bench.js";

const block = document.getElementById("workbench-settings");
if (block) start(JSON.parse(block.textContent));
