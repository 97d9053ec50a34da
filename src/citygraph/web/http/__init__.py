"""HTTP without pages: routes, requests, responses, negotiation, caching, problems and limits."""
