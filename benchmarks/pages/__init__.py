"""How soon a page is seen, with a store that has grown."""

from benchmarks.pages import paint

BENCHMARKS = (paint.lines,)
