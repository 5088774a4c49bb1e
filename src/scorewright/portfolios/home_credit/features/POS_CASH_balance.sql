-- Monthly snapshots of earlier point-of-sale and cash loans. SK_DPD_DEF ignores arrears on negligible amounts.
-- Month -1 is the latest. "Last k statements" are the statements of the last k months, for every loan alike.
-- The latest month weighs 1, one a year earlier 1/e. A window without statements gives null, not a clean record.
WITH month AS (
  SELECT *,
    CASE WHEN SK_DPD > 0 THEN 1 ELSE 0 END AS late,
    CASE WHEN SK_DPD_DEF > 0 THEN 1 ELSE 0 END AS material,
    CASE WHEN SK_DPD > 90 THEN 90 ELSE SK_DPD END AS days_late,
    CNT_INSTALMENT_FUTURE / NULLIF(CNT_INSTALMENT, 0) AS left_share,
    EXP(MONTHS_BALANCE / 12) AS recency
  FROM POS_CASH_balance
)
SELECT
  -- How much is on record.
  COUNT(*) AS pos_months,  -- Months on record, consumer and cash loans | Mois connus, prêts conso et personnels
  COUNT(DISTINCT SK_ID_PREV) AS pos_loans,  -- Loans on record here | Prêts connus ici
  MIN(MONTHS_BALANCE) AS pos_first_month,  -- First month with a loan here | Premier mois avec un prêt ici
  MAX(MONTHS_BALANCE) AS pos_latest_month,  -- Latest month with a loan here | Dernier mois avec un prêt ici
  COUNT(*) FILTER (WHERE MONTHS_BALANCE >= -12)
    AS pos_months_last_year,  -- Months on record in the last year | Mois connus depuis un an

  -- Arrears: share, depth and age. Days beyond ninety count as ninety, for old debts grow by the mere calendar.
  AVG(late) AS pos_late_share,  -- Share of months in arrears, consumer loans | Part des mois en retard, prêts conso
  AVG(late) FILTER (WHERE MONTHS_BALANCE >= -3)
    AS pos_late_share_last_quarter,  -- Share of arrears, last quarter | Part de retard, dernier trimestre
  AVG(late) FILTER (WHERE MONTHS_BALANCE >= -6)
    AS pos_late_share_last_half_year,  -- Share of arrears, last half-year | Part de retard, dernier semestre
  AVG(late) FILTER (WHERE MONTHS_BALANCE >= -12)
    AS pos_late_share_last_year,  -- Share of arrears, last year | Part de retard, dernière année
  ROUND(AVG(late) FILTER (WHERE MONTHS_BALANCE >= -12) - AVG(late) FILTER (WHERE MONTHS_BALANCE < -12), 9)
    AS pos_late_share_trend,  -- Months in arrears, last year less before | Mois en retard, dernière année moins avant
  SUM(material) AS pos_material_late_months,  -- Months in material arrears | Mois en retard significatif
  COUNT(*) FILTER (WHERE material = 1 AND MONTHS_BALANCE >= -12)
    AS pos_material_months_last_year,  -- Months in material arrears, last year | Mois en retard significatif, dernière année
  SUM(recency * days_late) / NULLIF(SUM(recency), 0)
    AS pos_weighted_days_late,  -- Days late, recent months first | Jours de retard, mois récents d'abord
  MAX(SK_DPD) AS pos_max_days_late,  -- Most days late, consumer loans | Plus long retard, prêts conso (jours)
  MAX(SK_DPD_DEF) AS pos_max_material_days_late,  -- Most days materially late | Plus long retard significatif (jours)
  MAX(MONTHS_BALANCE) FILTER (WHERE SK_DPD_DEF > 0)
    AS pos_last_late_month,  -- Latest month in material arrears | Dernier mois en retard significatif

  -- How loans end.
  COUNT(DISTINCT SK_ID_PREV) FILTER (WHERE NAME_CONTRACT_STATUS = 'Completed') / COUNT(DISTINCT SK_ID_PREV)
    AS pos_completed_share,  -- Share of loans completed | Part des prêts menés à terme
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Completed' AND MONTHS_BALANCE >= -12)
    AS pos_completed_last_year,  -- Loans completed in the last year | Prêts menés à terme depuis un an
  MAX(MONTHS_BALANCE) FILTER (WHERE NAME_CONTRACT_STATUS = 'Completed')
    AS pos_latest_completed_month,  -- Month of the latest completion | Mois du dernier prêt mené à terme
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS IN ('Returned to the store', 'Demand', 'Amortized debt'))
    AS pos_troubled_months,  -- Months in recovery or returned | Mois en recouvrement ou en retour d'achat

  -- What is left to pay, and how long loans are.
  COUNT(DISTINCT SK_ID_PREV) FILTER (WHERE MONTHS_BALANCE >= -2 AND CNT_INSTALMENT_FUTURE > 0)
    AS pos_running_loans,  -- Loans being repaid here | Prêts en cours de remboursement ici
  SUM(CNT_INSTALMENT_FUTURE) FILTER (WHERE MONTHS_BALANCE = -1)
    AS pos_instalments_left,  -- Instalments left to pay | Mensualités restant à payer
  MIN(left_share) FILTER (WHERE MONTHS_BALANCE >= -2)
    AS pos_least_left_share,  -- Smallest share of a term left | Plus petite part de durée restante
  AVG(CNT_INSTALMENT_FUTURE) AS pos_mean_instalments_left,  -- Mean instalments left over time | Mensualités restantes en moyenne
  AVG(left_share) AS pos_mean_left_share,  -- Mean share of the term left | Part moyenne de la durée restante
  AVG(CNT_INSTALMENT) AS pos_mean_term,  -- Mean term, consumer loans (months) | Durée moyenne, prêts conso (mois)
  MAX(CNT_INSTALMENT) AS pos_longest_term,  -- Longest term, consumer loans (months) | Plus longue durée, prêts conso (mois)
  AVG(CNT_INSTALMENT) FILTER (WHERE MONTHS_BALANCE >= -12)
    AS pos_mean_term_last_year  -- Mean term, last year (months) | Durée moyenne, dernière année (mois)
FROM month
GROUP BY SK_ID_CURR
