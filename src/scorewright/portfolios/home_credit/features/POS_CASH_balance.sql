-- Monthly snapshots of earlier point-of-sale and cash loans. SK_DPD_DEF ignores arrears on negligible amounts.
SELECT
  COUNT(*) AS pos_months,  -- Months on record, consumer and cash loans | Mois connus, prêts conso et personnels
  COUNT(*) FILTER (WHERE SK_DPD > 0) / COUNT(*)
    AS pos_late_share,  -- Share of months in arrears, consumer loans | Part des mois en retard, prêts conso
  COUNT(*) FILTER (WHERE SK_DPD_DEF > 0) AS pos_material_late_months,  -- Months in material arrears | Mois en retard significatif
  MAX(SK_DPD) AS pos_max_days_late,  -- Most days late, consumer loans | Plus long retard, prêts conso (jours)
  MAX(SK_DPD_DEF) AS pos_max_material_days_late,  -- Most days materially late | Plus long retard significatif (jours)
  MAX(MONTHS_BALANCE) FILTER (WHERE SK_DPD_DEF > 0)
    AS pos_last_late_month,  -- Latest month in material arrears | Dernier mois en retard significatif
  COUNT(DISTINCT SK_ID_PREV) FILTER (WHERE NAME_CONTRACT_STATUS = 'Completed') / COUNT(DISTINCT SK_ID_PREV)
    AS pos_completed_share,  -- Share of loans completed | Part des prêts menés à terme
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS IN ('Returned to the store', 'Demand', 'Amortized debt'))
    AS pos_troubled_months,  -- Months in recovery or returned | Mois en recouvrement ou en retour d'achat
  SUM(CNT_INSTALMENT_FUTURE) FILTER (WHERE MONTHS_BALANCE = -1)
    AS pos_instalments_left,  -- Instalments left to pay | Mensualités restant à payer
  AVG(CNT_INSTALMENT_FUTURE) AS pos_mean_instalments_left,  -- Mean instalments left over time | Mensualités restantes en moyenne
  AVG(CNT_INSTALMENT) AS pos_mean_term,  -- Mean term, consumer loans (months) | Durée moyenne, prêts conso (mois)
  AVG(CNT_INSTALMENT_FUTURE / NULLIF(CNT_INSTALMENT, 0))
    AS pos_mean_left_share  -- Mean share of the term left | Part moyenne de la durée restante
FROM POS_CASH_balance
GROUP BY SK_ID_CURR
