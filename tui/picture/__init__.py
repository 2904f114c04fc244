"""One picture by itself: where its pixels come from and how they are drawn."""
