"""Placeholders become native operators, with what their masks and states need around them."""
