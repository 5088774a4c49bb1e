"""From PDs to decisions: costs, policy, what would change them, and who is treated how well."""

from __future__ import annotations

from scorewright.domain.evaluation import Evaluation, SweepPoint
from scorewright.report.figures import figures, nothing
from scorewright.report.gathered import Report
from scorewright.report.markup import Html, paragraphs, table, tag, together
from scorewright.report.numbers import NONE, fixed, percent, plain, span, whole, with_span
from scorewright.report.parts.contest import curve_figure, curves_of
from scorewright.report.words import Words

_OUTCOMES = ("approved", "referred", "refused", "bad_rate", "cost", "money")


def policy(report: Report, say: Words) -> Html:
    """Return what wrong decisions cost, the threshold that follows, and what the policy does on the test set."""
    drawn = [curve_figure(report, say, curve) for curve in curves_of(report, "cost")]
    return together(
        [_told(report, say), figures(say, drawn), _outcomes(report, say), _rules(report, say), _money(report, say)]
    )


def _told(report: Report, say: Words) -> Html:
    sealed, model = report.bundle.contents.policy, report.model
    costs = say(
        "policy.costs",
        missed=plain(sealed.costs.false_negative),
        refused=plain(sealed.costs.false_positive),
        closed_form=fixed(sealed.costs.closed_form_threshold),
    )
    rule = say(f"policy.{sealed.rule}", version=sealed.version, threshold=fixed(sealed.threshold))
    texts = [costs, rule]
    if model.threshold_choice is not None:
        choice = model.threshold_choice
        texts.append(say("policy.choice", span=span(choice.threshold), optimism=fixed(choice.optimism)))
    texts.append(say("policy.refers") if sealed.referral is not None else say("policy.refers_nobody"))
    return paragraphs(*texts)


def _outcomes(report: Report, say: Words) -> Html:
    found = report.model.outcomes
    rows = [
        (say(f"outcomes.{name}"), plain(found[name], ",.4g") if name in {"cost", "money"} else percent(found[name]))
        for name in _OUTCOMES
        if name in found
    ]
    return table(say("policy.outcomes"), say.each("policy.outcomes_header"), rows) if rows else Html()


def _rules(report: Report, say: Words) -> Html:
    rows = [(rule.label.en, say(f"outcomes.{rule.outcome}")) for rule in report.bundle.contents.policy.rules]
    return table(say("policy.rules"), say.each("policy.rules_header"), rows) if rows else Html()


def _money(report: Report, say: Words) -> Html:
    terms, found = report.portfolio.money, report.model.rules
    if terms is None or found is None:
        return tag("p", say("policy.no_money"))
    rows = [(say(f"rules.{name}"), *_priced(each)) for name, each in found.rules.items()]
    stated = say(
        "policy.terms",
        lgd=plain(terms.lgd),
        margin=plain(terms.margin_rate),
        currency=terms.currency or NONE,
        priced=whole(found.priced),
        applications=whole(found.applications),
    )
    return together([table(say("policy.money_caption"), say.each("policy.money_header"), rows), paragraphs(stated)])


def _priced(each: Evaluation) -> tuple[str, ...]:
    shares = (with_span(each, name, ".1%") for name in ("money_savings", "approval_rate", "bad_rate"))
    return with_span(each, "money", ",.2f"), *shares


def sensitivity(report: Report, say: Words) -> Html:
    """Return what would be decided if the stated costs were wrong, and what today's decisions would then cost."""
    points = [each for each in report.model.sweeps if (each.parameter == "lgd") == (each.rule == "per_loan")]
    if not points:
        return nothing(say, "sensitivity.absent")
    worst = max(points, key=lambda each: each.kept_cost - each.cost)
    told = say("sensitivity.told", what=_varied(worst, say), regret=plain(worst.kept_cost - worst.cost))
    rows = [
        (
            _varied(each, say),
            fixed(each.threshold),
            percent(each.approval_rate),
            plain(each.cost),
            plain(each.kept_cost),
        )
        for each in points
    ]
    return together([paragraphs(told), table(say("sensitivity.caption"), say.each("sensitivity.header"), rows)])


def _varied(point: SweepPoint, say: Words) -> str:
    return f"{say(f'sensitivity.{point.parameter}')} {plain(point.value)}"


def segments(report: Report, say: Words) -> Html:
    """Return the measures of each part of the applications that the portfolio names."""
    if not report.model.segments:
        return nothing(say, "segments.absent")
    labels = {segment.name: segment.label.en for segment in report.portfolio.segments}
    rows = [
        (
            f"{labels.get(part.name, part.name)}: {part.value}",
            whole(part.applications),
            fixed(part.auc),
            percent(part.default_rate),
            percent(part.mean_pd),
            percent(part.approval_rate),
            fixed(part.ece),
            fixed(part.cost),
        )
        for part in report.model.segments
    ]
    return together(
        [paragraphs(say("segments.told")), table(say("segments.caption"), say.each("segments.header"), rows)]
    )
