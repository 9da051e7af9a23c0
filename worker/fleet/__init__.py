"""Workers: one keeps the books, its engine process does the work, and either may be killed at any moment."""
