"""Two fictional patients, what was said about them, and the story of what the product makes of it."""
