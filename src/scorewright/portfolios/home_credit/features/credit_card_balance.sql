-- Monthly snapshots of the lender's own credit cards. Utilisation is the balance over the limit of the same month: null where
-- the card has no limit. A balance below zero is a credit balance.
-- Month -1 is the latest; "last k statements" are those of the last k months. The latest weighs 1, one a year earlier 1/e.
-- A payment of nothing is zero where a minimum was due; without a minimum there was nothing to pay, and the ratio is null.
WITH month AS (
  SELECT *,
    CASE WHEN AMT_BALANCE > 3 * AMT_CREDIT_LIMIT_ACTUAL AND AMT_CREDIT_LIMIT_ACTUAL > 0 THEN 3
      ELSE AMT_BALANCE / NULLIF(AMT_CREDIT_LIMIT_ACTUAL, 0) END AS utilisation,
    CASE WHEN AMT_PAYMENT_CURRENT > 10 * AMT_INST_MIN_REGULARITY THEN 10
      ELSE AMT_PAYMENT_CURRENT / NULLIF(AMT_INST_MIN_REGULARITY, 0) END AS payment_to_minimum,
    CASE WHEN AMT_INST_MIN_REGULARITY > 0
      THEN CASE WHEN COALESCE(AMT_PAYMENT_CURRENT, 0) < AMT_INST_MIN_REGULARITY THEN 1 ELSE 0 END END AS below_minimum,
    CASE WHEN SK_DPD > 0 THEN 1 ELSE 0 END AS late,
    EXP(MONTHS_BALANCE / 12) AS recency
  FROM credit_card_balance
), measured AS (
  SELECT *,
    CASE WHEN utilisation IS NOT NULL THEN MONTHS_BALANCE END AS used_month,
    CASE WHEN AMT_BALANCE > 0 THEN AMT_PAYMENT_TOTAL_CURRENT / AMT_BALANCE END AS repaid_share
  FROM month
)
SELECT
  -- The account.
  COUNT(*) AS card_months,  -- Months on record, card | Mois connus, carte
  COUNT(DISTINCT SK_ID_PREV) AS card_accounts,  -- Cards of this lender | Cartes de ce prêteur
  MAX(AMT_CREDIT_LIMIT_ACTUAL) AS card_limit,  -- Highest card limit | Plafond le plus élevé de la carte
  AVG(AMT_CREDIT_LIMIT_ACTUAL) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_limit,  -- Card limit, last three months | Plafond de la carte, trois derniers mois
  AVG(AMT_CREDIT_LIMIT_ACTUAL) FILTER (WHERE MONTHS_BALANCE >= -6)
    / NULLIF(AVG(AMT_CREDIT_LIMIT_ACTUAL) FILTER (WHERE MONTHS_BALANCE < -6), 0)
    AS card_limit_growth,  -- Recent to older card limit | Plafond récent sur plafond ancien
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Active') / COUNT(*)
    AS card_active_share,  -- Share of months the card was active | Part des mois où la carte était active

  -- What is owed, and how much of the limit it uses.
  AVG(AMT_BALANCE) AS card_mean_balance,  -- Mean card balance | Encours moyen de la carte
  MAX(AMT_BALANCE) AS card_max_balance,  -- Highest card balance | Encours maximal de la carte
  AVG(AMT_BALANCE) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_balance,  -- Card balance, last three months | Encours de carte, trois derniers mois
  AVG(utilisation) AS card_mean_utilisation,  -- Mean use of the card limit | Utilisation moyenne du plafond
  MAX(utilisation) AS card_max_utilisation,  -- Highest use of the card limit | Utilisation maximale du plafond
  AVG(utilisation) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_utilisation,  -- Use of the card limit, last three months | Utilisation du plafond, trois derniers mois
  AVG(utilisation) FILTER (WHERE MONTHS_BALANCE >= -12)
    AS card_utilisation_last_year,  -- Use of the card limit, last year | Utilisation du plafond, dernière année
  MAX(utilisation) FILTER (WHERE MONTHS_BALANCE >= -6)
    AS card_max_utilisation_half_year,  -- Highest use in the last half-year | Utilisation maximale, dernier semestre
  SUM(recency * utilisation) / NULLIF(SUM(recency) FILTER (WHERE utilisation IS NOT NULL), 0)
    AS card_weighted_utilisation,  -- Use of the limit, recent months first | Utilisation du plafond, mois récents d'abord
  ROUND(AVG(utilisation) FILTER (WHERE MONTHS_BALANCE >= -3) - AVG(utilisation) FILTER (WHERE MONTHS_BALANCE < -3), 6)
    AS card_utilisation_rise,  -- Use of the limit, recent less before | Utilisation du plafond, récente moins avant
  ROUND((COUNT(utilisation) * SUM(used_month * utilisation) - SUM(used_month) * SUM(utilisation))
    / NULLIF(COUNT(utilisation) * SUM(used_month * used_month) - SUM(used_month) * SUM(used_month), 0), 6)
    AS card_utilisation_slope,  -- Monthly rise of the use of the limit | Hausse mensuelle de l'utilisation
  STDDEV_SAMP(utilisation) AS card_utilisation_spread,  -- Spread of the use of the limit | Dispersion de l'utilisation
  COUNT(*) FILTER (WHERE AMT_BALANCE > AMT_CREDIT_LIMIT_ACTUAL) / COUNT(*)
    AS card_over_limit_share,  -- Share of months over the limit | Part des mois au-delà du plafond
  COUNT(*) FILTER (WHERE AMT_BALANCE > AMT_CREDIT_LIMIT_ACTUAL AND MONTHS_BALANCE >= -6)
    AS card_over_limit_half_year,  -- Months over the limit, last half-year | Mois au-delà du plafond, dernier semestre
  COUNT(*) FILTER (WHERE AMT_BALANCE > 0) / COUNT(*)
    AS card_in_use_share,  -- Share of months with a balance | Part des mois avec encours
  MAX(MONTHS_BALANCE) FILTER (WHERE AMT_BALANCE > 0)
    AS card_latest_used_month,  -- Latest month with a card balance | Dernier mois avec encours de carte
  SUM(AMT_BALANCE - AMT_RECEIVABLE_PRINCIPAL) FILTER (WHERE AMT_BALANCE > 0)
    / NULLIF(SUM(AMT_BALANCE) FILTER (WHERE AMT_BALANCE > 0), 0)
    AS card_interest_share,  -- Interest and fees in the balance | Part d'intérêts et frais dans l'encours

  -- Drawings.
  AVG(CNT_DRAWINGS_CURRENT) AS card_mean_drawings,  -- Mean drawings per month | Tirages moyens par mois
  AVG(CNT_DRAWINGS_CURRENT) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_drawings,  -- Drawings per month, last three months | Tirages par mois, trois derniers mois
  AVG(CNT_DRAWINGS_ATM_CURRENT)
    AS card_mean_cash_drawings,  -- Mean cash withdrawals per month | Retraits d'espèces moyens par mois
  AVG(CNT_DRAWINGS_ATM_CURRENT) FILTER (WHERE MONTHS_BALANCE >= -12)
    AS card_cash_drawings_last_year,  -- Cash withdrawals per month, last year | Retraits par mois, dernière année
  MAX(CNT_DRAWINGS_ATM_CURRENT)
    AS card_max_cash_drawings,  -- Most cash withdrawals in a month | Plus de retraits d'espèces en un mois
  AVG(CNT_DRAWINGS_POS_CURRENT) AS card_mean_purchases,  -- Mean purchases per month | Achats moyens par mois
  SUM(AMT_DRAWINGS_ATM_CURRENT) / NULLIF(SUM(AMT_DRAWINGS_CURRENT), 0)
    AS card_cash_share,  -- Share of drawings in cash | Part des retraits d'espèces
  AVG(AMT_DRAWINGS_CURRENT) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_drawn,  -- Amount drawn per month, last three months | Montant tiré par mois, trois derniers mois
  MAX(MONTHS_BALANCE) FILTER (WHERE CNT_DRAWINGS_CURRENT > 0)
    AS card_latest_drawing_month,  -- Latest month with drawings | Dernier mois avec tirages

  -- Payments against the minimum due.
  AVG(payment_to_minimum) FILTER (WHERE AMT_INST_MIN_REGULARITY > 0)
    AS card_payment_to_minimum,  -- Payment to minimum payment | Paiement sur paiement minimum
  AVG(payment_to_minimum) FILTER (WHERE AMT_INST_MIN_REGULARITY > 0 AND MONTHS_BALANCE >= -6)
    AS card_payment_to_minimum_half_year,  -- Payment to minimum, last half-year | Paiement sur minimum, dernier semestre
  COUNT(*) FILTER (WHERE below_minimum = 1) / COUNT(*)
    AS card_below_minimum_share,  -- Share of months below the minimum payment | Part des mois sous le paiement minimum
  AVG(below_minimum) FILTER (WHERE MONTHS_BALANCE >= -12)
    AS card_below_minimum_last_year,  -- Months below minimum when due, last year | Mois sous le minimum dû, dernière année
  AVG(repaid_share) AS card_mean_repaid_share,  -- Mean share of the balance paid | Part moyenne de l'encours payée
  SUM(AMT_PAYMENT_TOTAL_CURRENT) / NULLIF(SUM(AMT_DRAWINGS_CURRENT), 0)
    AS card_paid_to_drawn,  -- Amount paid to amount drawn | Montant payé sur montant tiré
  AVG(AMT_PAYMENT_TOTAL_CURRENT) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS card_recent_payment,  -- Card payment, last three months | Paiement de carte, trois derniers mois
  MAX(CNT_INSTALMENT_MATURE_CUM) AS card_instalments_paid,  -- Card instalments paid | Échéances de carte payées

  -- Arrears.
  AVG(late) AS card_late_share,  -- Share of months in arrears, card | Part des mois en retard, carte
  AVG(late) FILTER (WHERE MONTHS_BALANCE >= -12)
    AS card_late_share_last_year,  -- Share of arrears on the card, last year | Part de retard de carte, dernière année
  MAX(SK_DPD) AS card_max_days_late,  -- Most days late, card | Plus long retard, carte (jours)
  MAX(SK_DPD_DEF) AS card_max_material_days_late,  -- Most days materially late, card | Plus long retard significatif, carte
  MAX(MONTHS_BALANCE) FILTER (WHERE SK_DPD > 0)
    AS card_last_late_month  -- Latest month in arrears, card | Dernier mois en retard, carte
FROM measured
GROUP BY SK_ID_CURR
