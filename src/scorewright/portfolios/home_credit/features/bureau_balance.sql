-- Months of each credit bureau loan, at the grain of that loan.
-- STATUS: 0 no delay, 1 to 5 classes of delay (5 is more than 120 days), C closed, X unknown (left out, not counted as paid).
WITH month AS (
  SELECT *,
    CASE
      WHEN STATUS IN ('0', 'C') THEN 0
      WHEN STATUS = '1' THEN 1
      WHEN STATUS = '2' THEN 2
      WHEN STATUS = '3' THEN 3
      WHEN STATUS = '4' THEN 4
      WHEN STATUS = '5' THEN 5
    END AS delay_class
  FROM bureau_balance
)
SELECT
  COUNT(*) AS balance_months,  -- Months on record | Mois connus
  COUNT(*) FILTER (WHERE STATUS = 'X') AS balance_unknown_months,  -- Months of unknown status | Mois au statut inconnu
  COUNT(*) FILTER (WHERE delay_class >= 1) AS balance_late_months,  -- Months in arrears | Mois en retard
  COUNT(*) FILTER (WHERE delay_class >= 2)
    AS balance_serious_months,  -- Months over 30 days late | Mois à plus de 30 jours de retard
  COUNT(*) FILTER (WHERE delay_class >= 1 AND MONTHS_BALANCE >= -12)
    AS balance_late_months_last_year,  -- Months in arrears, last year | Mois en retard, dernière année
  MAX(delay_class) AS balance_worst_class,  -- Worst class of arrears | Pire classe de retard
  MAX(MONTHS_BALANCE) FILTER (WHERE delay_class >= 1)
    AS balance_last_late_month  -- Latest month in arrears | Dernier mois en retard
FROM month
GROUP BY SK_ID_BUREAU
