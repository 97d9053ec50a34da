// Runs one client of other people against a running site, and prints what it reads as JSON.

const clients = {
  // The number of solutions of a query over a document or an endpoint.
  async comunica(source, query) {
    const { QueryEngine } = await import('@comunica/query-sparql');
    const bindings = await new QueryEngine().queryBindings(query, { sources: [source] });
    const solutions = await bindings.toArray();
    return solutions.map((solution) => Object.fromEntries([...solution].map(([name, term]) => [name.value, term.value])));
  },

  async 'fetch-sparql-endpoint'(endpoint, select, ask, construct) {
    const { SparqlEndpointFetcher } = await import('fetch-sparql-endpoint');
    const fetcher = new SparqlEndpointFetcher();
    return {
      solutions: (await collect(await fetcher.fetchBindings(endpoint, select))).length,
      answer: await fetcher.fetchAsk(endpoint, ask),
      triples: (await collect(await fetcher.fetchTriples(endpoint, construct))).length,
    };
  },

  // The number of triples of a document.
  async jsonld(address) {
    const { default: jsonld } = await import('jsonld');
    return (await jsonld.toRDF(address)).length;
  },

  // The numbers of nodes and edges of a network, and what its first ones have.
  async graphology(address) {
    const { MultiGraph } = (await import('graphology')).default;
    const { default: reader } = await import(address.endsWith('.gexf') ? 'graphology-gexf' : 'graphology-graphml');
    const graph = reader.parse(MultiGraph, await (await fetch(address)).text());
    const [node, edge] = [graph.nodes()[0], graph.edges()[0]];
    return { nodes: graph.order, edges: graph.size, node: graph.getNodeAttributes(node), edge: graph.getEdgeAttributes(edge) };
  },

  // The number of members of an event stream.
  async 'ldes-client'(address) {
    const { intoConfig, replicateLDES } = await import('ldes-client');
    const reader = replicateLDES(intoConfig({ url: address })).stream({ highWaterMark: 10 }).getReader();
    const members = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) members.push(next.value.id.value);
    return members;
  },
};

function collect(stream) {
  return new Promise((resolve, reject) => {
    const parts = [];
    stream.on('data', (part) => parts.push(part)).on('end', () => resolve(parts)).on('error', reject);
  });
}

const [name, ...args] = process.argv.slice(2);
const result = JSON.stringify(await clients[name](...args));
// Connections that are kept alive would delay the end.
process.stdout.write(`${result}\n`, () => process.exit(0));
