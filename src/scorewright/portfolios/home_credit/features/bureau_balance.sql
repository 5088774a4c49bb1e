-- Months of each credit bureau loan, at the grain of that loan: bureau.sql makes features of them.
-- STATUS: 0 no delay, 1 to 5 classes of delay (5 is more than 120 days), C closed, X unknown (left out, not counted as paid).
-- The latest month weighs 1, one a year earlier 1/e: old delays fade, and are not forgotten.
WITH month AS (
  SELECT *,
    CASE
      WHEN STATUS IN ('0', 'C') THEN 0
      WHEN STATUS = '1' THEN 1
      WHEN STATUS = '2' THEN 2
      WHEN STATUS = '3' THEN 3
      WHEN STATUS = '4' THEN 4
      WHEN STATUS = '5' THEN 5
    END AS delay_class,
    EXP(MONTHS_BALANCE / 12) AS recency
  FROM bureau_balance
)
SELECT
  -- How much is known. A loan whose months are all unknown has a worst class that is null, not zero.
  COUNT(*) AS balance_months,  -- Months on record | Mois connus
  COUNT(*) FILTER (WHERE STATUS = 'X') AS balance_unknown_months,  -- Months of unknown status | Mois au statut inconnu
  COUNT(*) FILTER (WHERE delay_class >= 0 AND STATUS <> 'C') AS balance_open_months,  -- Months running | Mois en cours
  MIN(MONTHS_BALANCE) AS balance_first_month,  -- First month on record | Premier mois connu
  MIN(MONTHS_BALANCE) FILTER (WHERE STATUS = 'C') AS balance_closed_month,  -- Month of closing | Mois du solde
  -- Delays.
  COUNT(*) FILTER (WHERE delay_class >= 1) AS balance_late_months,  -- Months in arrears | Mois en retard
  COUNT(*) FILTER (WHERE delay_class >= 2)
    AS balance_serious_months,  -- Months over 30 days late | Mois à plus de 30 jours de retard
  COUNT(*) FILTER (WHERE delay_class = 5)
    AS balance_lost_months,  -- Months over 120 days late | Mois à plus de 120 jours de retard
  MAX(delay_class) AS balance_worst_class,  -- Worst class of arrears | Pire classe de retard
  MIN(MONTHS_BALANCE) FILTER (WHERE delay_class >= 1)
    AS balance_first_late_month,  -- First month in arrears | Premier mois en retard
  MAX(MONTHS_BALANCE) FILTER (WHERE delay_class >= 1)
    AS balance_last_late_month,  -- Latest month in arrears | Dernier mois en retard
  SUM(CASE WHEN delay_class >= 1 THEN recency WHEN delay_class = 0 THEN 0 END)
    AS balance_late_weight,  -- Months in arrears, recent ones first | Mois en retard, récents d'abord
  SUM(recency) FILTER (WHERE delay_class >= 0)
    AS balance_known_weight,  -- Months of known status, recent ones first | Mois au statut connu, récents d'abord
  -- Windows that end at the application.
  COUNT(*) FILTER (WHERE delay_class >= 1 AND MONTHS_BALANCE >= -3)
    AS balance_late_months_last_quarter,  -- Months in arrears, last quarter | Mois en retard, dernier trimestre
  COUNT(*) FILTER (WHERE delay_class >= 1 AND MONTHS_BALANCE >= -12)
    AS balance_late_months_last_year,  -- Months in arrears, last year | Mois en retard, dernière année
  COUNT(*) FILTER (WHERE delay_class >= 0 AND MONTHS_BALANCE >= -12)
    AS balance_known_months_last_year,  -- Months known, last year | Mois connus, dernière année
  MAX(delay_class) FILTER (WHERE MONTHS_BALANCE >= -12)
    AS balance_worst_class_last_year  -- Worst class of arrears, last year | Pire classe de retard, dernière année
FROM month
GROUP BY SK_ID_BUREAU
