-- Monthly snapshots of the lender's own credit cards. Utilisation is the balance over the limit of the same month.
WITH month AS (
  SELECT *,
    AMT_BALANCE / NULLIF(AMT_CREDIT_LIMIT_ACTUAL, 0) AS utilisation,
    CASE WHEN AMT_PAYMENT_CURRENT > 10 * AMT_INST_MIN_REGULARITY THEN 10
      ELSE AMT_PAYMENT_CURRENT / NULLIF(AMT_INST_MIN_REGULARITY, 0) END AS payment_to_minimum
  FROM credit_card_balance
)
SELECT
  MAX(AMT_CREDIT_LIMIT_ACTUAL) AS card_limit,  -- Highest card limit | Plafond le plus élevé de la carte
  AVG(AMT_BALANCE) AS card_mean_balance,  -- Mean card balance | Encours moyen de la carte
  AVG(AMT_BALANCE) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_balance,  -- Card balance, last three months | Encours de carte, trois derniers mois
  AVG(utilisation) AS card_mean_utilisation,  -- Mean use of the card limit | Utilisation moyenne du plafond
  MAX(utilisation) AS card_max_utilisation,  -- Highest use of the card limit | Utilisation maximale du plafond
  AVG(utilisation) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_utilisation,  -- Use of the card limit, last three months | Utilisation du plafond, trois derniers mois
  COUNT(*) FILTER (WHERE AMT_BALANCE > AMT_CREDIT_LIMIT_ACTUAL) / COUNT(*)
    AS card_over_limit_share,  -- Share of months over the limit | Part des mois au-delà du plafond
  SUM(AMT_DRAWINGS_ATM_CURRENT) / NULLIF(SUM(AMT_DRAWINGS_CURRENT), 0)
    AS card_cash_share,  -- Share of drawings in cash | Part des retraits d'espèces
  AVG(CNT_DRAWINGS_CURRENT) AS card_mean_drawings,  -- Mean drawings per month | Tirages moyens par mois
  AVG(CNT_DRAWINGS_ATM_CURRENT)
    AS card_mean_cash_drawings,  -- Mean cash withdrawals per month | Retraits d'espèces moyens par mois
  AVG(CNT_DRAWINGS_CURRENT) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_drawings,  -- Drawings per month, last three months | Tirages par mois, trois derniers mois
  AVG(payment_to_minimum) FILTER (WHERE AMT_INST_MIN_REGULARITY > 0)
    AS card_payment_to_minimum,  -- Payment to minimum payment | Paiement sur paiement minimum
  COUNT(*) FILTER (WHERE AMT_INST_MIN_REGULARITY > 0 AND COALESCE(AMT_PAYMENT_CURRENT, 0) < AMT_INST_MIN_REGULARITY) / COUNT(*)
    AS card_below_minimum_share,  -- Share of months below the minimum payment | Part des mois sous le paiement minimum
  COUNT(*) FILTER (WHERE SK_DPD > 0) / COUNT(*)
    AS card_late_share,  -- Share of months in arrears, card | Part des mois en retard, carte
  MAX(SK_DPD) AS card_max_days_late,  -- Most days late, card | Plus long retard, carte (jours)
  MAX(MONTHS_BALANCE) FILTER (WHERE AMT_BALANCE > 0)
    AS card_latest_used_month,  -- Latest month with a card balance | Dernier mois avec encours de carte
  MAX(CNT_INSTALMENT_MATURE_CUM) AS card_instalments_paid  -- Card instalments paid | Échéances de carte payées
FROM month
GROUP BY SK_ID_CURR
