// Asking the endpoint: a query has a secret name, by which it is ended if nobody waits for it any more.

const READ = "application/sparql-results+json, application/n-triples;q=0.9";
// Longer ones go by POST: not every proxy takes so long an address.
const LONGEST_ADDRESS = 6000;
const PATIENCE = [0, 150, 300, 600, 1200];

/** One query under way. */
export class Asking {
  constructor(endpoint, running, query) {
    this.name = randomName();
    this.running = running + this.name;
    this.controller = new AbortController();
    this.started = performance.now();
    this.isOver = false;
    this.answer = this.#ask(endpoint, query).finally(() => { this.isOver = true; });
  }

  get seconds() {
    return (performance.now() - this.started) / 1000;
  }

  /** End it on the server; answers whether the server knew it. It may still wait for an engine: so we ask some times. */
  async cancel() {
    for (const wait of PATIENCE) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.isOver) return false;
      const reply = await fetch(this.running, { method: "DELETE" }).catch(() => null);
      if (reply?.ok) {
        this.controller.abort();
        return true;
      }
    }
    this.controller.abort();
    return false;
  }

  /** The page is left: the request that ends the query outlives it. */
  abandon() {
    if (!this.isOver) fetch(this.running, { method: "DELETE", keepalive: true }).catch(() => null);
  }

  async #ask(endpoint, query) {
    const address = `${endpoint}?${new URLSearchParams({ query })}`;
    const headers = { Accept: READ, "X-Citygraph-Query-Id": this.name };
    const options = address.length <= LONGEST_ADDRESS
      ? { headers }
      : { method: "POST", headers: { ...headers, "Content-Type": "application/sparql-query" }, body: query };
    const target = options.method ? endpoint : address;
    const reply = await fetch(target, { ...options, cache: "no-store", signal: this.controller.signal });
    const type = reply.headers.get("Content-Type") ?? "";
    const text = await reply.text();
    if (!reply.ok) throw new Refused(type.includes("json") ? JSON.parse(text) : { title: `${reply.status}`, detail: text });
    const engine = /engine;dur=([\d.]+)/.exec(reply.headers.get("Server-Timing") ?? "");
    return {
      type, text, milliseconds: engine ? Number(engine[1]) : null,
      release: reply.headers.get("X-Citygraph-Release") ?? "",
      rows: Number(reply.headers.get("X-Citygraph-Rows") ?? NaN),
      comparedDates: reply.headers.get("X-Citygraph-Compared-Dates") ?? "",
    };
  }
}

/** The endpoint's problem (RFC 9457). */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}
