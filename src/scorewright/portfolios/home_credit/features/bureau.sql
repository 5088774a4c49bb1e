-- Loans from other lenders, as reported by the credit bureau. Columns balance_* come from bureau_balance.sql.
-- End dates reach implausible years: only those within forty years of the application are believed.
-- Debts below zero are credit balances: they are not debts.
WITH loan AS (
  SELECT *,
    CASE WHEN AMT_CREDIT_SUM_DEBT < 0 THEN 0 ELSE AMT_CREDIT_SUM_DEBT END AS debt,
    CASE WHEN DAYS_CREDIT_ENDDATE BETWEEN -14600 AND 14600 THEN DAYS_CREDIT_ENDDATE END AS end_day,
    CASE WHEN DAYS_ENDDATE_FACT >= -14600 THEN DAYS_ENDDATE_FACT END AS closed_day
  FROM bureau
)
SELECT
  COUNT(*) AS bureau_loans,  -- Loans at the credit bureau | Crédits connus du bureau de crédit
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Active') AS bureau_active_loans,  -- Active loans elsewhere | Crédits en cours ailleurs
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Closed') AS bureau_closed_loans,  -- Closed loans elsewhere | Crédits soldés ailleurs
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE IN ('Sold', 'Bad debt'))
    AS bureau_bad_loans,  -- Loans sold or written off | Crédits cédés ou passés en perte
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Active') / COUNT(*)
    AS bureau_active_share,  -- Share of loans still active | Part des crédits encore en cours
  COUNT(*) FILTER (WHERE DAYS_CREDIT >= -365)
    AS bureau_loans_last_year,  -- Loans taken in the last year | Crédits pris depuis un an
  COUNT(DISTINCT CREDIT_TYPE) AS bureau_loan_types,  -- Kinds of loan | Types de crédit différents
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Credit card' AND CREDIT_ACTIVE = 'Active')
    AS bureau_active_cards,  -- Active credit cards elsewhere | Cartes de crédit actives ailleurs
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Microloan') AS bureau_microloans,  -- Microloans | Microcrédits
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Mortgage') AS bureau_mortgages,  -- Mortgages | Crédits immobiliers
  MAX(DAYS_CREDIT) AS bureau_latest_loan_day,  -- Day of the latest loan elsewhere | Jour du dernier crédit pris ailleurs
  MIN(DAYS_CREDIT) AS bureau_first_loan_day,  -- Day of the first loan elsewhere | Jour du premier crédit pris ailleurs
  AVG(DAYS_CREDIT) AS bureau_mean_loan_day,  -- Mean day of the loans elsewhere | Jour moyen des crédits pris ailleurs
  AVG(DAYS_CREDIT) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_mean_loan_day,  -- Mean start day of active loans | Jour moyen de début des crédits en cours
  SUM(debt) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_debt,  -- Debt on active loans elsewhere | Encours dû ailleurs
  MAX(debt) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_largest_debt,  -- Largest debt elsewhere | Plus gros encours dû ailleurs
  SUM(AMT_CREDIT_SUM) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_credit,  -- Amount of active loans elsewhere | Montant des crédits en cours ailleurs
  AVG(AMT_CREDIT_SUM) AS bureau_mean_credit,  -- Mean loan amount elsewhere | Montant moyen des crédits ailleurs
  SUM(debt) FILTER (WHERE CREDIT_ACTIVE = 'Active') / NULLIF(SUM(AMT_CREDIT_SUM) FILTER (WHERE CREDIT_ACTIVE = 'Active'), 0)
    AS bureau_debt_to_credit,  -- Share of active loans still due | Part restant due des crédits en cours
  SUM(debt) FILTER (WHERE CREDIT_TYPE = 'Credit card' AND CREDIT_ACTIVE = 'Active')
    / NULLIF(SUM(AMT_CREDIT_SUM) FILTER (WHERE CREDIT_TYPE = 'Credit card' AND CREDIT_ACTIVE = 'Active'), 0)
    AS bureau_card_utilisation,  -- Use of credit cards elsewhere | Utilisation des cartes d'autres prêteurs
  SUM(AMT_ANNUITY) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_annuity,  -- Instalments on active loans elsewhere | Mensualités des crédits en cours ailleurs
  SUM(AMT_CREDIT_SUM_OVERDUE) AS bureau_overdue,  -- Amount overdue elsewhere | Montant impayé ailleurs
  MAX(CREDIT_DAY_OVERDUE) AS bureau_max_days_overdue,  -- Most days overdue elsewhere | Plus long retard actuel ailleurs (jours)
  MAX(AMT_CREDIT_MAX_OVERDUE)
    AS bureau_max_overdue_ever,  -- Largest amount ever overdue elsewhere | Plus gros impayé passé ailleurs
  COUNT(*) FILTER (WHERE AMT_CREDIT_MAX_OVERDUE > 0) / COUNT(*)
    AS bureau_once_overdue_share,  -- Share of loans once overdue | Part des crédits ayant connu un impayé
  SUM(CNT_CREDIT_PROLONG) AS bureau_prolongations,  -- Loan extensions elsewhere | Prolongations de crédits ailleurs
  MAX(end_day) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_latest_end_day,  -- Latest end of active loans | Fin la plus tardive des crédits en cours
  AVG(end_day - DAYS_CREDIT) AS bureau_mean_term,  -- Mean loan term elsewhere (days) | Durée moyenne des crédits ailleurs (jours)
  MAX(closed_day) AS bureau_latest_closing_day,  -- Day the latest loan was closed | Jour du dernier crédit soldé
  AVG(closed_day - end_day)
    AS bureau_mean_closing_delay,  -- Mean delay in closing loans (days) | Retard moyen au solde des crédits (jours)
  MAX(DAYS_CREDIT_UPDATE)
    AS bureau_latest_update_day,  -- Day of the latest bureau news | Jour de la dernière mise à jour du bureau
  SUM(balance_late_months) AS bureau_late_months,  -- Months in arrears elsewhere | Mois en retard ailleurs
  SUM(balance_late_months) / NULLIF(SUM(balance_months - balance_unknown_months), 0)
    AS bureau_late_month_share,  -- Share of months in arrears elsewhere | Part des mois en retard ailleurs
  SUM(balance_late_months_last_year)
    AS bureau_late_months_last_year,  -- Months in arrears elsewhere, last year | Mois en retard ailleurs, dernière année
  SUM(balance_serious_months)
    AS bureau_serious_months,  -- Months over 30 days late elsewhere | Mois à plus de 30 jours de retard ailleurs
  MAX(balance_worst_class)
    AS bureau_worst_class,  -- Worst class of arrears elsewhere (0 to 5) | Pire classe de retard ailleurs (0 à 5)
  MAX(balance_last_late_month) AS bureau_last_late_month  -- Latest month in arrears elsewhere | Dernier mois en retard ailleurs
FROM loan
GROUP BY SK_ID_CURR
