"""Effect evaluation (效果评估, GD/J 088 clauses 6.2.8 and 10.2): who was reached, how soon, and how well it is known.

Only from what the journal and the health book really know: silence is never success, and what nobody observed is
counted as such. `ebcd.evaluation.effect` and what looks at alerts stands outside this list: the live state itself holds
the evidence.
"""

from ebcd.evaluation.evidence import EvidenceBook, Timing, evidence_began, evidence_heard

__all__ = ["EvidenceBook", "Timing", "evidence_began", "evidence_heard"]
