"""How anything is answered: requests, negotiation, validators, caches, errors, what one client may ask."""
