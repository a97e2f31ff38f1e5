from .conduct import run_audit
from .definition import Audit
from .measures.agreement import Agreement
from .measures.base import Attacked, Bench, Findings, Measure, Planned
from .measures.ceiling import EncodingCeiling
from .measures.gradient_leakage import GradientLeakage
from .measures.masking import Masking
from .measures.membership import MembershipInference
from .measures.over_time import OverTime
from .measures.sweep import Sweep
from .report.parts import Group, Section, Table
from .settings import Controls

__all__ = [
    "Agreement",
    "Attacked",
    "Audit",
    "Bench",
    "Controls",
    "EncodingCeiling",
    "Findings",
    "GradientLeakage",
    "Group",
    "Masking",
    "Measure",
    "MembershipInference",
    "OverTime",
    "Planned",
    "Section",
    "Sweep",
    "Table",
    "run_audit",
]
