"""Time: releases at their own addresses, differences, histories, mementos, citations, feeds."""
