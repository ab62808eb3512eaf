"""Books in shops: assortment, cart, orders."""
