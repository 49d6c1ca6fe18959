"""How raw files come here, and how DVC tracks them."""
