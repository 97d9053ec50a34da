"""Query engines: pre-forked worker processes under a supervisor, and the connection pools of their clients."""
