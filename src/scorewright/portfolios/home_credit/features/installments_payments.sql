-- Instalments of earlier loans. A null payment day is an instalment not paid by the day of the application (day 0):
-- its delay runs to that day and its whole amount is missing. It is never counted as paid on time.
-- Delays beyond ninety days count as ninety in means, for an old debt grows by the mere calendar; extremes keep them whole.
-- "Last k instalments" are those due in a window of days: a window without any gives null, not a clean record.
-- The latest instalment weighs 1, one due a year earlier 1/e. Schedule version 0 is that of a credit card.
WITH instalment AS (
  SELECT *,
    COALESCE(DAYS_ENTRY_PAYMENT, 0) - DAYS_INSTALMENT AS days_late,
    CASE WHEN DAYS_ENTRY_PAYMENT IS NULL THEN 0 ELSE AMT_PAYMENT END AS received,
    EXP(DAYS_INSTALMENT / 365) AS recency
  FROM installments_payments
), measured AS (
  SELECT *,
    CASE WHEN days_late > 0 THEN days_late WHEN days_late <= 0 THEN 0 END AS delay,
    CASE WHEN days_late > 90 THEN 90 WHEN days_late > 0 THEN days_late WHEN days_late <= 0 THEN 0 END AS capped_delay,
    CASE WHEN days_late < 0 THEN 0 - days_late WHEN days_late >= 0 THEN 0 END AS advance,
    CASE WHEN days_late > 0 THEN 1 ELSE 0 END AS late,
    CASE WHEN received < AMT_INSTALMENT THEN AMT_INSTALMENT - received WHEN received >= AMT_INSTALMENT THEN 0 END AS shortfall
  FROM instalment
)
SELECT
  -- How much is on record.
  COUNT(*) AS instalments_count,  -- Instalments on record | Échéances connues
  COUNT(DISTINCT SK_ID_PREV) AS instalments_loans,  -- Loans with instalments on record | Crédits aux échéances connues
  COUNT(*) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_count_last_year,  -- Instalments due in the last year | Échéances dues depuis un an
  COUNT(*) FILTER (WHERE NUM_INSTALMENT_VERSION = 0) / COUNT(*)
    AS instalments_card_share,  -- Share of card instalments | Part des échéances de carte
  COUNT(DISTINCT NUM_INSTALMENT_VERSION) AS instalments_schedules,  -- Repayment schedules seen | Échéanciers différents
  MAX(NUM_INSTALMENT_VERSION)
    AS instalments_latest_schedule,  -- Most changes of a schedule | Plus de changements d'échéancier
  MIN(DAYS_INSTALMENT) AS instalments_first_day,  -- Day of the first instalment | Jour de la première échéance
  MAX(DAYS_INSTALMENT) AS instalments_last_day,  -- Day of the last instalment due | Jour de la dernière échéance
  MAX(DAYS_ENTRY_PAYMENT) AS instalments_latest_payment_day,  -- Day of the latest payment | Jour du dernier paiement
  COUNT(*) FILTER (WHERE DAYS_ENTRY_PAYMENT IS NULL) AS instalments_unpaid,  -- Instalments never paid | Échéances jamais payées

  -- How often late.
  AVG(late) AS instalments_late_share,  -- Share of instalments paid late | Part des échéances payées en retard
  AVG(late) FILTER (WHERE DAYS_INSTALMENT >= -91)
    AS instalments_late_share_last_quarter,  -- Share paid late, last quarter | Part payée en retard, dernier trimestre
  AVG(late) FILTER (WHERE DAYS_INSTALMENT >= -182)
    AS instalments_late_share_last_half_year,  -- Share paid late, last half-year | Part payée en retard, dernier semestre
  AVG(late) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_late_share_last_year,  -- Share paid late in the last year | Part payée en retard depuis un an
  ROUND(AVG(late) FILTER (WHERE DAYS_INSTALMENT >= -365) - AVG(late) FILTER (WHERE DAYS_INSTALMENT < -365), 9)
    AS instalments_late_share_trend,  -- Late payments, last year less before | Retards, dernière année moins avant
  SUM(recency * late) / NULLIF(SUM(recency), 0)
    AS instalments_recent_late_share,  -- Late payments, recent ones first | Retards de paiement, récents d'abord
  SUM(late) AS instalments_late,  -- Instalments paid late | Échéances payées en retard
  COUNT(*) FILTER (WHERE days_late > 5) / COUNT(*)
    AS instalments_over_5_days_share,  -- Share over 5 days late | Part à plus de 5 jours de retard
  COUNT(*) FILTER (WHERE days_late > 30)
    AS instalments_over_30_days_late,  -- Instalments over 30 days late | Échéances à plus de 30 jours de retard
  COUNT(*) FILTER (WHERE days_late > 30 AND DAYS_INSTALMENT >= -365)
    AS instalments_over_30_days_last_year,  -- Over 30 days late, last year | Plus de 30 jours de retard, dernière année
  COUNT(DISTINCT SK_ID_PREV) FILTER (WHERE days_late > 0) / COUNT(DISTINCT SK_ID_PREV)
    AS instalments_late_loan_share,  -- Share of loans once paid late | Part des crédits payés une fois en retard
  MAX(DAYS_INSTALMENT) FILTER (WHERE days_late > 0)
    AS instalments_last_late_day,  -- Latest instalment paid late (day) | Dernière échéance payée en retard (jour)

  -- How late, how early.
  MAX(days_late) AS instalments_max_days_late,  -- Longest delay of an instalment (days) | Plus long retard d'échéance (jours)
  MAX(days_late) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_max_days_late_last_year,  -- Longest delay in the last year (days) | Plus long retard depuis un an (jours)
  AVG(delay) AS instalments_mean_days_late,  -- Mean days late | Retard moyen (jours)
  AVG(capped_delay) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_mean_days_late_last_year,  -- Mean days late, last year | Retard moyen, dernière année (jours)
  SUM(recency * capped_delay) / NULLIF(SUM(recency), 0)
    AS instalments_recent_days_late,  -- Days late, recent ones first | Jours de retard, échéances récentes d'abord
  SUM(delay * AMT_INSTALMENT) / NULLIF(SUM(AMT_INSTALMENT), 0)
    AS instalments_weighted_days_late,  -- Days late weighted by amount | Retard pondéré par le montant (jours)
  AVG(advance) AS instalments_mean_days_early,  -- Mean days paid early | Avance moyenne de paiement (jours)
  AVG(advance) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_days_early_last_year,  -- Mean days paid early, last year | Avance moyenne, dernière année (jours)
  MIN(advance) FILTER (WHERE DAYS_INSTALMENT >= -182)
    AS instalments_least_advance,  -- Fewest days early, last half-year | Plus petite avance, dernier semestre
  STDDEV_SAMP(days_late) AS instalments_delay_spread,  -- Spread of payment days | Dispersion des jours de paiement
  ROUND(AVG(capped_delay - advance) FILTER (WHERE DAYS_INSTALMENT >= -182)
    - AVG(capped_delay - advance) FILTER (WHERE DAYS_INSTALMENT < -182), 6)
    AS instalments_delay_trend,  -- Days late, last half-year less before | Retard, dernier semestre moins avant (jours)
  ROUND((COUNT(*) * SUM(DAYS_INSTALMENT * capped_delay) - SUM(DAYS_INSTALMENT) * SUM(capped_delay)) * 365
    / NULLIF(COUNT(*) * SUM(DAYS_INSTALMENT * DAYS_INSTALMENT) - SUM(DAYS_INSTALMENT) * SUM(DAYS_INSTALMENT), 0), 6)
    AS instalments_delay_slope,  -- Yearly rise of the delay (days) | Hausse annuelle du retard (jours)

  -- What was not paid.
  SUM(shortfall) AS instalments_shortfall,  -- Amount not paid at the due payment | Montant non couvert par le paiement
  SUM(shortfall) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_shortfall_last_year,  -- Amount not paid, last year | Montant non couvert, dernière année
  SUM(shortfall) / NULLIF(SUM(AMT_INSTALMENT), 0)
    AS instalments_shortfall_share,  -- Share of instalments not covered | Part des échéances non couverte
  SUM(shortfall) FILTER (WHERE DAYS_INSTALMENT >= -365) / NULLIF(SUM(AMT_INSTALMENT) FILTER (WHERE DAYS_INSTALMENT >= -365), 0)
    AS instalments_shortfall_share_last_year,  -- Share not covered, last year | Part non couverte, dernière année
  COUNT(*) FILTER (WHERE shortfall > 0) / COUNT(*)
    AS instalments_short_share,  -- Share of instalments underpaid | Part des échéances sous-payées
  COUNT(*) FILTER (WHERE shortfall > 0 AND DAYS_INSTALMENT >= -182)
    AS instalments_short_last_half_year,  -- Instalments underpaid, last half-year | Échéances sous-payées, dernier semestre
  MAX(shortfall) AS instalments_largest_shortfall,  -- Largest underpayment | Plus gros paiement manquant
  COUNT(*) FILTER (WHERE received > AMT_INSTALMENT) / COUNT(*)
    AS instalments_overpaid_share,  -- Share of instalments overpaid | Part des échéances surpayées

  -- Amounts.
  AVG(AMT_INSTALMENT) AS instalments_mean_amount,  -- Mean instalment on earlier loans | Échéance moyenne des crédits antérieurs
  MAX(AMT_INSTALMENT) AS instalments_largest_amount,  -- Largest instalment on earlier loans | Plus grosse échéance antérieure
  AVG(AMT_INSTALMENT) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_mean_amount_last_year,  -- Mean instalment, last year | Échéance moyenne, dernière année
  SUM(AMT_PAYMENT) AS instalments_paid,  -- Amount repaid on earlier loans | Montant remboursé des crédits antérieurs
  SUM(AMT_PAYMENT) FILTER (WHERE DAYS_INSTALMENT >= -91)
    AS instalments_paid_last_quarter,  -- Amount repaid in the last quarter | Montant remboursé depuis trois mois
  SUM(AMT_PAYMENT) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_paid_last_year  -- Amount repaid in the last year | Montant remboursé depuis un an
FROM measured
GROUP BY SK_ID_CURR
