"""How a draft comes to be: choosing sentences, composing them, asking a language model for them."""
