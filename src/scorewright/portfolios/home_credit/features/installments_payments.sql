-- Instalments of earlier loans. A null payment day is an instalment not paid by the day of the application (day 0):
-- its delay runs to that day and its whole amount is missing. It is never counted as paid on time.
WITH instalment AS (
  SELECT *,
    COALESCE(DAYS_ENTRY_PAYMENT, 0) - DAYS_INSTALMENT AS days_late,
    CASE WHEN DAYS_ENTRY_PAYMENT IS NULL THEN 0 ELSE AMT_PAYMENT END AS received
  FROM installments_payments
), measured AS (
  SELECT *,
    CASE WHEN days_late > 0 THEN days_late WHEN days_late <= 0 THEN 0 END AS delay,
    CASE WHEN days_late < 0 THEN 0 - days_late WHEN days_late >= 0 THEN 0 END AS advance,
    CASE WHEN received < AMT_INSTALMENT THEN AMT_INSTALMENT - received WHEN received >= AMT_INSTALMENT THEN 0 END AS shortfall
  FROM instalment
)
SELECT
  COUNT(*) AS instalments_count,  -- Instalments on record | Échéances connues
  COUNT(*) FILTER (WHERE DAYS_ENTRY_PAYMENT IS NULL) AS instalments_unpaid,  -- Instalments never paid | Échéances jamais payées
  COUNT(*) FILTER (WHERE days_late > 0) / COUNT(*)
    AS instalments_late_share,  -- Share of instalments paid late | Part des échéances payées en retard
  COUNT(*) FILTER (WHERE days_late > 0 AND DAYS_INSTALMENT >= -365) / NULLIF(COUNT(*) FILTER (WHERE DAYS_INSTALMENT >= -365), 0)
    AS instalments_late_share_last_year,  -- Share paid late in the last year | Part payée en retard depuis un an
  COUNT(*) FILTER (WHERE days_late > 30)
    AS instalments_over_30_days_late,  -- Instalments over 30 days late | Échéances à plus de 30 jours de retard
  MAX(days_late) AS instalments_max_days_late,  -- Longest delay of an instalment (days) | Plus long retard d'échéance (jours)
  MAX(days_late) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_max_days_late_last_year,  -- Longest delay in the last year (days) | Plus long retard depuis un an (jours)
  AVG(delay) AS instalments_mean_days_late,  -- Mean days late | Retard moyen (jours)
  AVG(advance) AS instalments_mean_days_early,  -- Mean days paid early | Avance moyenne de paiement (jours)
  SUM(delay * AMT_INSTALMENT) / NULLIF(SUM(AMT_INSTALMENT), 0)
    AS instalments_weighted_days_late,  -- Days late weighted by amount | Retard pondéré par le montant (jours)
  MAX(DAYS_INSTALMENT) FILTER (WHERE days_late > 0)
    AS instalments_last_late_day,  -- Latest instalment paid late (day) | Dernière échéance payée en retard (jour)
  SUM(shortfall) AS instalments_shortfall,  -- Amount not paid at the due payment | Montant non couvert par le paiement
  SUM(shortfall) / NULLIF(SUM(AMT_INSTALMENT), 0)
    AS instalments_shortfall_share,  -- Share of instalments not covered | Part des échéances non couverte
  COUNT(*) FILTER (WHERE shortfall > 0) / COUNT(*)
    AS instalments_short_share,  -- Share of instalments underpaid | Part des échéances sous-payées
  MAX(shortfall) AS instalments_largest_shortfall,  -- Largest underpayment | Plus gros paiement manquant
  AVG(AMT_INSTALMENT) AS instalments_mean_amount,  -- Mean instalment on earlier loans | Échéance moyenne des crédits antérieurs
  SUM(AMT_PAYMENT) FILTER (WHERE DAYS_INSTALMENT >= -365)
    AS instalments_paid_last_year,  -- Amount repaid in the last year | Montant remboursé depuis un an
  MAX(DAYS_ENTRY_PAYMENT) AS instalments_latest_payment_day,  -- Day of the latest payment | Jour du dernier paiement
  MIN(DAYS_INSTALMENT) AS instalments_first_day,  -- Day of the first instalment | Jour de la première échéance
  COUNT(DISTINCT NUM_INSTALMENT_VERSION) AS instalments_schedules  -- Repayment schedules seen | Échéanciers différents
FROM measured
GROUP BY SK_ID_CURR
