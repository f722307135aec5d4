"""Env files, custom files and params documents: text in, typed and checked values out. Touches no bucket."""
