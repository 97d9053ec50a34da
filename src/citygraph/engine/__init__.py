"""Query engines: supervised processes that can be killed, and the connections to them."""
