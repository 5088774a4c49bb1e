-- Loans from other lenders, as reported by the credit bureau. Columns balance_* come from bureau_balance.sql.
-- End dates reach implausible years: only those within forty years of the application are believed.
-- Debts below zero are credit balances: they are not debts. A debt that is not reported is unknown, not zero.
-- A sum over loans of a kind is null where there is no such loan; counts are zero there. "Last k loans" are the loans of a
-- window of days: the latest loans of a person who borrows often, and none of one who does not.
-- The latest loan weighs 1, one taken a year earlier 1/e.
WITH loan AS (
  SELECT *,
    CASE WHEN AMT_CREDIT_SUM_DEBT < 0 THEN 0 ELSE AMT_CREDIT_SUM_DEBT END AS debt,
    CASE WHEN DAYS_CREDIT_ENDDATE BETWEEN -14600 AND 14600 THEN DAYS_CREDIT_ENDDATE END AS end_day,
    CASE WHEN DAYS_ENDDATE_FACT >= -14600 THEN DAYS_ENDDATE_FACT END AS closed_day,
    EXP(DAYS_CREDIT / 365) AS recency
  FROM bureau
), measured AS (
  SELECT *,
    end_day - DAYS_CREDIT AS term,
    closed_day - end_day AS closing_delay,
    CASE WHEN debt > 2 * AMT_CREDIT_SUM THEN 2 ELSE debt / NULLIF(AMT_CREDIT_SUM, 0) END AS debt_share,
    CASE WHEN AMT_CREDIT_MAX_OVERDUE > AMT_CREDIT_SUM THEN 1 ELSE AMT_CREDIT_MAX_OVERDUE / NULLIF(AMT_CREDIT_SUM, 0) END
      AS overdue_share,
    balance_first_late_month - balance_first_month AS months_to_late
  FROM loan
)
SELECT
  -- How many loans, and of what state.
  COUNT(*) AS bureau_loans,  -- Loans at the credit bureau | Crédits connus du bureau de crédit
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Active') AS bureau_active_loans,  -- Active loans elsewhere | Crédits en cours ailleurs
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Closed') AS bureau_closed_loans,  -- Closed loans elsewhere | Crédits soldés ailleurs
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE IN ('Sold', 'Bad debt'))
    AS bureau_bad_loans,  -- Loans sold or written off | Crédits cédés ou passés en perte
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Active') / COUNT(*)
    AS bureau_active_share,  -- Share of loans still active | Part des crédits encore en cours

  -- Kinds of loan.
  COUNT(DISTINCT CREDIT_TYPE) AS bureau_loan_types,  -- Kinds of loan | Types de crédit différents
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Consumer credit')
    AS bureau_consumer_credits,  -- Consumer credits elsewhere | Crédits à la consommation ailleurs
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Credit card') AS bureau_cards,  -- Credit cards elsewhere | Cartes de crédit ailleurs
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Credit card' AND CREDIT_ACTIVE = 'Active')
    AS bureau_active_cards,  -- Active credit cards elsewhere | Cartes de crédit actives ailleurs
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Consumer credit' AND CREDIT_ACTIVE = 'Active')
    AS bureau_active_consumer_credits,  -- Active consumer credits elsewhere | Crédits conso en cours ailleurs
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Car loan') AS bureau_car_loans,  -- Car loans | Crédits automobiles
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Mortgage') AS bureau_mortgages,  -- Mortgages | Crédits immobiliers
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Microloan') AS bureau_microloans,  -- Microloans | Microcrédits
  COUNT(*) FILTER (WHERE CREDIT_TYPE = 'Credit card') / COUNT(*)
    AS bureau_card_share,  -- Share of credit cards elsewhere | Part des cartes de crédit ailleurs

  -- When loans were taken.
  COUNT(*) FILTER (WHERE DAYS_CREDIT >= -91)
    AS bureau_loans_last_quarter,  -- Loans taken in the last quarter | Crédits pris depuis trois mois
  COUNT(*) FILTER (WHERE DAYS_CREDIT >= -182)
    AS bureau_loans_last_half_year,  -- Loans taken in the last half-year | Crédits pris depuis six mois
  COUNT(*) FILTER (WHERE DAYS_CREDIT >= -365)
    AS bureau_loans_last_year,  -- Loans taken in the last year | Crédits pris depuis un an
  COUNT(*) FILTER (WHERE DAYS_CREDIT >= -730)
    AS bureau_loans_last_two_years,  -- Loans taken in the last two years | Crédits pris depuis deux ans
  SUM(recency) AS bureau_recency,  -- Loans elsewhere, recent ones first | Crédits ailleurs, récents d'abord
  MAX(DAYS_CREDIT) AS bureau_latest_loan_day,  -- Day of the latest loan elsewhere | Jour du dernier crédit pris ailleurs
  MIN(DAYS_CREDIT) AS bureau_first_loan_day,  -- Day of the first loan elsewhere | Jour du premier crédit pris ailleurs
  AVG(DAYS_CREDIT) AS bureau_mean_loan_day,  -- Mean day of the loans elsewhere | Jour moyen des crédits pris ailleurs
  AVG(DAYS_CREDIT) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_mean_loan_day,  -- Mean start day of active loans | Jour moyen de début des crédits en cours
  MIN(DAYS_CREDIT) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_oldest_active_day,  -- Start of the oldest active loan | Début du plus ancien crédit en cours
  (MAX(DAYS_CREDIT) - MIN(DAYS_CREDIT)) / NULLIF(COUNT(*) - 1, 0)
    AS bureau_mean_gap,  -- Days between loans elsewhere | Jours entre deux crédits ailleurs

  -- What is owed on active loans.
  SUM(debt) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_debt,  -- Debt on active loans elsewhere | Encours dû ailleurs
  MAX(debt) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_largest_debt,  -- Largest debt elsewhere | Plus gros encours dû ailleurs
  SUM(AMT_CREDIT_SUM) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_credit,  -- Amount of active loans elsewhere | Montant des crédits en cours ailleurs
  SUM(debt) FILTER (WHERE CREDIT_ACTIVE = 'Active') / NULLIF(SUM(AMT_CREDIT_SUM) FILTER (WHERE CREDIT_ACTIVE = 'Active'), 0)
    AS bureau_debt_to_credit,  -- Share of active loans still due | Part restant due des crédits en cours
  AVG(debt_share) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_mean_debt_share,  -- Mean share still due, per active loan | Part restant due moyenne par crédit
  MAX(debt_share) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_max_debt_share,  -- Largest share still due, active loans | Plus forte part restant due
  SUM(recency * debt_share) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    / NULLIF(SUM(recency) FILTER (WHERE CREDIT_ACTIVE = 'Active' AND debt_share >= 0), 0)
    AS bureau_recent_debt_share,  -- Share still due, recent loans first | Part restant due, crédits récents d'abord
  SUM(debt) FILTER (WHERE CREDIT_TYPE = 'Consumer credit' AND CREDIT_ACTIVE = 'Active')
    AS bureau_consumer_debt,  -- Debt on consumer credits elsewhere | Encours conso dû ailleurs
  SUM(debt) FILTER (WHERE CREDIT_TYPE = 'Mortgage' AND CREDIT_ACTIVE = 'Active')
    AS bureau_mortgage_debt,  -- Mortgage debt | Encours immobilier dû
  SUM(debt) FILTER (WHERE CREDIT_TYPE = 'Credit card' AND CREDIT_ACTIVE = 'Active')
    / NULLIF(SUM(AMT_CREDIT_SUM) FILTER (WHERE CREDIT_TYPE = 'Credit card' AND CREDIT_ACTIVE = 'Active'), 0)
    AS bureau_card_utilisation,  -- Use of credit cards elsewhere | Utilisation des cartes d'autres prêteurs
  SUM(AMT_CREDIT_SUM_LIMIT) FILTER (WHERE CREDIT_TYPE = 'Credit card' AND CREDIT_ACTIVE = 'Active')
    AS bureau_card_room,  -- Unused limit of cards elsewhere | Plafond disponible des cartes ailleurs
  SUM(AMT_ANNUITY) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_annuity,  -- Instalments on active loans elsewhere | Mensualités des crédits en cours ailleurs
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Active' AND AMT_CREDIT_SUM_DEBT IS NULL)
    AS bureau_unreported_debts,  -- Active loans of unreported debt | Crédits en cours à encours non déclaré

  -- How large loans are, and whether they grow.
  AVG(AMT_CREDIT_SUM) AS bureau_mean_credit,  -- Mean loan amount elsewhere | Montant moyen des crédits ailleurs
  MAX(AMT_CREDIT_SUM) AS bureau_largest_credit,  -- Largest loan elsewhere | Plus gros crédit ailleurs
  AVG(AMT_CREDIT_SUM) FILTER (WHERE CREDIT_ACTIVE = 'Closed')
    AS bureau_closed_mean_credit,  -- Mean closed loan elsewhere | Montant moyen des crédits soldés ailleurs
  MAX(AMT_CREDIT_SUM) FILTER (WHERE CREDIT_ACTIVE = 'Closed')
    AS bureau_closed_largest_credit,  -- Largest closed loan elsewhere | Plus gros crédit soldé ailleurs
  SUM(AMT_CREDIT_SUM) FILTER (WHERE DAYS_CREDIT >= -365)
    AS bureau_credit_last_year,  -- Amount borrowed elsewhere in a year | Montant emprunté ailleurs depuis un an
  AVG(AMT_CREDIT_SUM) FILTER (WHERE DAYS_CREDIT >= -730) / NULLIF(AVG(AMT_CREDIT_SUM) FILTER (WHERE DAYS_CREDIT < -730), 0)
    AS bureau_credit_growth,  -- Loans of two years to older ones | Crédits de deux ans sur les plus anciens

  -- Terms, and what is left of them.
  AVG(term) AS bureau_mean_term,  -- Mean loan term elsewhere (days) | Durée moyenne des crédits ailleurs (jours)
  AVG(term) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_mean_term,  -- Mean term of active loans (days) | Durée moyenne des crédits en cours (jours)
  MAX(end_day) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_latest_end_day,  -- Latest end of active loans | Fin la plus tardive des crédits en cours
  AVG(end_day) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_mean_end_day,  -- Mean end of active loans | Fin moyenne des crédits en cours
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Active' AND end_day < 0)
    AS bureau_expired_loans,  -- Active loans past their end | Crédits en cours au-delà de leur fin
  COUNT(*) FILTER (WHERE CREDIT_ACTIVE = 'Active' AND end_day BETWEEN 0 AND 365)
    AS bureau_loans_ending_within_year,  -- Active loans that end within a year | Crédits en cours finissant sous un an

  -- How loans were closed.
  MAX(closed_day) AS bureau_latest_closing_day,  -- Day the latest loan was closed | Jour du dernier crédit soldé
  COUNT(*) FILTER (WHERE closed_day >= -365)
    AS bureau_closed_last_year,  -- Loans closed in the last year | Crédits soldés depuis un an
  AVG(closing_delay)
    AS bureau_mean_closing_delay,  -- Mean delay in closing loans (days) | Retard moyen au solde des crédits (jours)
  MAX(closing_delay)
    AS bureau_max_closing_delay,  -- Longest delay in closing a loan (days) | Plus long retard au solde (jours)
  COUNT(*) FILTER (WHERE closing_delay < -30) / NULLIF(COUNT(closing_delay), 0)
    AS bureau_early_closing_share,  -- Share of loans closed early | Part des crédits soldés par avance
  COUNT(*) FILTER (WHERE closing_delay > 30) / NULLIF(COUNT(closing_delay), 0)
    AS bureau_late_closing_share,  -- Share of loans closed late | Part des crédits soldés en retard

  -- Arrears as the loans themselves state them.
  SUM(AMT_CREDIT_SUM_OVERDUE) AS bureau_overdue,  -- Amount overdue elsewhere | Montant impayé ailleurs
  MAX(CREDIT_DAY_OVERDUE) AS bureau_max_days_overdue,  -- Most days overdue elsewhere | Plus long retard actuel ailleurs (jours)
  MAX(AMT_CREDIT_MAX_OVERDUE)
    AS bureau_max_overdue_ever,  -- Largest amount ever overdue elsewhere | Plus gros impayé passé ailleurs
  MAX(overdue_share)
    AS bureau_max_overdue_share,  -- Largest share of a loan ever overdue | Plus forte part impayée d'un crédit
  COUNT(*) FILTER (WHERE AMT_CREDIT_MAX_OVERDUE > 0) / COUNT(*)
    AS bureau_once_overdue_share,  -- Share of loans once overdue | Part des crédits ayant connu un impayé
  COUNT(*) FILTER (WHERE AMT_CREDIT_MAX_OVERDUE > 0 AND DAYS_CREDIT >= -1095)
    AS bureau_recent_once_overdue,  -- Loans of three years once overdue | Crédits de trois ans ayant eu un impayé
  SUM(CASE WHEN AMT_CREDIT_MAX_OVERDUE > 0 THEN recency ELSE 0 END) / NULLIF(SUM(recency), 0)
    AS bureau_weighted_once_overdue,  -- Loans once overdue, recent ones first | Crédits ayant eu un impayé, récents d'abord
  SUM(CNT_CREDIT_PROLONG) AS bureau_prolongations,  -- Loan extensions elsewhere | Prolongations de crédits ailleurs
  COUNT(*) FILTER (WHERE CREDIT_CURRENCY <> 'currency 1')
    AS bureau_foreign_loans,  -- Loans in another currency | Crédits dans une autre devise

  -- How fresh the bureau's news is.
  MAX(DAYS_CREDIT_UPDATE)
    AS bureau_latest_update_day,  -- Day of the latest bureau news | Jour de la dernière mise à jour du bureau
  AVG(DAYS_CREDIT_UPDATE) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_update_day,  -- Mean day of news on active loans | Jour moyen des nouvelles des crédits en cours

  -- Status month by month. No month on record is null, not a clean record.
  SUM(balance_months) AS bureau_months,  -- Months on record elsewhere | Mois connus ailleurs
  SUM(balance_unknown_months) / NULLIF(SUM(balance_months), 0)
    AS bureau_unknown_share,  -- Share of months of unknown status | Part des mois au statut inconnu
  SUM(balance_open_months) AS bureau_open_months,  -- Months loans ran elsewhere | Mois de crédit en cours ailleurs
  SUM(balance_late_months) AS bureau_late_months,  -- Months in arrears elsewhere | Mois en retard ailleurs
  SUM(balance_late_months) / NULLIF(SUM(balance_months - balance_unknown_months), 0)
    AS bureau_late_month_share,  -- Share of months in arrears elsewhere | Part des mois en retard ailleurs
  SUM(balance_late_weight) / NULLIF(SUM(balance_known_weight), 0)
    AS bureau_weighted_late_share,  -- Arrears elsewhere, recent months first | Retards ailleurs, mois récents d'abord
  SUM(balance_late_months_last_quarter)
    AS bureau_late_months_last_quarter,  -- Months in arrears elsewhere, last quarter | Mois en retard ailleurs, dernier trimestre
  SUM(balance_late_months_last_year)
    AS bureau_late_months_last_year,  -- Months in arrears elsewhere, last year | Mois en retard ailleurs, dernière année
  ROUND(SUM(balance_late_months_last_year) / NULLIF(SUM(balance_known_months_last_year), 0)
    - SUM(balance_late_months - balance_late_months_last_year)
    / NULLIF(SUM(balance_months - balance_unknown_months - balance_known_months_last_year), 0), 9)
    AS bureau_late_share_trend,  -- Arrears elsewhere, last year less before | Retards ailleurs, dernière année moins avant
  SUM(balance_serious_months)
    AS bureau_serious_months,  -- Months over 30 days late elsewhere | Mois à plus de 30 jours de retard ailleurs
  SUM(balance_lost_months)
    AS bureau_lost_months,  -- Months over 120 days late elsewhere | Mois à plus de 120 jours de retard ailleurs
  MAX(balance_worst_class)
    AS bureau_worst_class,  -- Worst class of arrears elsewhere (0 to 5) | Pire classe de retard ailleurs (0 à 5)
  MAX(balance_worst_class_last_year)
    AS bureau_worst_class_last_year,  -- Worst class elsewhere, last year (0 to 5) | Pire classe ailleurs, depuis un an (0 à 5)
  MAX(balance_worst_class) FILTER (WHERE CREDIT_ACTIVE = 'Active')
    AS bureau_active_worst_class,  -- Worst class of active loans (0 to 5) | Pire classe des crédits en cours (0 à 5)
  COUNT(*) FILTER (WHERE balance_late_months > 0) / NULLIF(COUNT(balance_months), 0)
    AS bureau_once_late_share,  -- Share of loans ever in arrears | Part des crédits passés en retard
  MAX(balance_last_late_month) AS bureau_last_late_month,  -- Latest month in arrears elsewhere | Dernier mois en retard ailleurs
  AVG(months_to_late)
    AS bureau_months_to_late,  -- Months until the first arrears elsewhere | Mois avant le premier retard ailleurs
  MAX(balance_closed_month) AS bureau_latest_closed_month  -- Latest month a loan was closed | Dernier mois de solde d'un crédit
FROM measured
GROUP BY SK_ID_CURR
