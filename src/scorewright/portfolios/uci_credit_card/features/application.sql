-- Six months of one credit card: month 1 is September 2005, the latest, month 6 April 2005.
-- PAY_k is the repayment status: -2 no use, -1 paid in full, 0 minimum paid, 1 to 8 months of delay. A payment of month k
-- settles the bill of the month before it, which is BILL_AMT(k+1). There is no PAY_1: the file calls it PAY_0.
-- What was spent in a month is what the bill grew by and what was paid of it: a bill alone hides it.
-- A bill below zero is a credit balance: nothing is owed. Bounds are written with CASE: LEAST and GREATEST skip nulls and
-- would turn a missing value into the bound.
WITH split AS (
  SELECT *,
    CASE WHEN PAY_0 > 0 THEN PAY_0 WHEN PAY_0 <= 0 THEN 0 END AS late_1,
    CASE WHEN PAY_2 > 0 THEN PAY_2 WHEN PAY_2 <= 0 THEN 0 END AS late_2,
    CASE WHEN PAY_3 > 0 THEN PAY_3 WHEN PAY_3 <= 0 THEN 0 END AS late_3,
    CASE WHEN PAY_4 > 0 THEN PAY_4 WHEN PAY_4 <= 0 THEN 0 END AS late_4,
    CASE WHEN PAY_5 > 0 THEN PAY_5 WHEN PAY_5 <= 0 THEN 0 END AS late_5,
    CASE WHEN PAY_6 > 0 THEN PAY_6 WHEN PAY_6 <= 0 THEN 0 END AS late_6,
    CASE WHEN BILL_AMT1 > 0 THEN BILL_AMT1 WHEN BILL_AMT1 <= 0 THEN 0 END AS owed_1,
    CASE WHEN BILL_AMT2 > 0 THEN BILL_AMT2 WHEN BILL_AMT2 <= 0 THEN 0 END AS owed_2,
    CASE WHEN BILL_AMT3 > 0 THEN BILL_AMT3 WHEN BILL_AMT3 <= 0 THEN 0 END AS owed_3,
    CASE WHEN BILL_AMT4 > 0 THEN BILL_AMT4 WHEN BILL_AMT4 <= 0 THEN 0 END AS owed_4,
    CASE WHEN BILL_AMT5 > 0 THEN BILL_AMT5 WHEN BILL_AMT5 <= 0 THEN 0 END AS owed_5,
    CASE WHEN BILL_AMT6 > 0 THEN BILL_AMT6 WHEN BILL_AMT6 <= 0 THEN 0 END AS owed_6,
    PAY_AMT1 + PAY_AMT2 + PAY_AMT3 + PAY_AMT4 + PAY_AMT5 + PAY_AMT6 AS paid
  FROM application
), card AS (
  SELECT *,
    owed_1 + owed_2 + owed_3 + owed_4 + owed_5 + owed_6 AS billed,
    BILL_AMT1 - BILL_AMT6 + PAY_AMT1 + PAY_AMT2 + PAY_AMT3 + PAY_AMT4 + PAY_AMT5 AS spent
  FROM split
)
SELECT
  LIMIT_BAL,
  CAST(EDUCATION AS VARCHAR) AS EDUCATION,
  AGE,
  PAY_0,
  PAY_2,
  PAY_3,
  PAY_4,
  PAY_5,
  PAY_6,
  BILL_AMT1,
  BILL_AMT2,
  BILL_AMT3,
  BILL_AMT4,
  BILL_AMT5,
  BILL_AMT6,
  PAY_AMT1,
  PAY_AMT2,
  PAY_AMT3,
  PAY_AMT4,
  PAY_AMT5,
  PAY_AMT6,
  CASE WHEN LIMIT_BAL > 0 THEN LN(LIMIT_BAL) END AS limit_log,  -- Credit limit (logarithm) | Plafond de crédit (logarithme)
  CAST(PAY_0 AS VARCHAR) AS status_1,  -- Repayment status, September (class) | Statut de paiement, septembre (classe)
  CAST(PAY_2 AS VARCHAR) AS status_2,  -- Repayment status, August (class) | Statut de paiement, août (classe)
  GREATEST(PAY_0, PAY_2, PAY_3, PAY_4, PAY_5, PAY_6) AS delay_max,  -- Longest delay in six months | Plus long retard en six mois
  (late_1 + late_2 + late_3 + late_4 + late_5 + late_6) / 6
    AS delay_mean,  -- Mean delay over six months | Retard moyen sur six mois
  (6 * late_1 + 5 * late_2 + 4 * late_3 + 3 * late_4 + 2 * late_5 + late_6) / 21
    AS delay_weighted,  -- Mean delay, recent months first | Retard moyen, mois récents d'abord
  late_1 + late_2 - late_5 - late_6 AS delay_trend,  -- Growth of the delay | Évolution du retard
  CASE WHEN PAY_0 > 0 THEN 1 ELSE 0 END + CASE WHEN PAY_2 > 0 THEN 1 ELSE 0 END + CASE WHEN PAY_3 > 0 THEN 1 ELSE 0 END
    + CASE WHEN PAY_4 > 0 THEN 1 ELSE 0 END + CASE WHEN PAY_5 > 0 THEN 1 ELSE 0 END + CASE WHEN PAY_6 > 0 THEN 1 ELSE 0 END
    AS late_months,  -- Months in arrears | Mois en retard
  CASE WHEN PAY_0 >= 2 THEN 1 ELSE 0 END + CASE WHEN PAY_2 >= 2 THEN 1 ELSE 0 END + CASE WHEN PAY_3 >= 2 THEN 1 ELSE 0 END
    + CASE WHEN PAY_4 >= 2 THEN 1 ELSE 0 END + CASE WHEN PAY_5 >= 2 THEN 1 ELSE 0 END + CASE WHEN PAY_6 >= 2 THEN 1 ELSE 0 END
    AS serious_months,  -- Months two or more payments behind | Mois avec deux échéances de retard ou plus
  CASE WHEN PAY_0 = -2 THEN 1 ELSE 0 END + CASE WHEN PAY_2 = -2 THEN 1 ELSE 0 END + CASE WHEN PAY_3 = -2 THEN 1 ELSE 0 END
    + CASE WHEN PAY_4 = -2 THEN 1 ELSE 0 END + CASE WHEN PAY_5 = -2 THEN 1 ELSE 0 END + CASE WHEN PAY_6 = -2 THEN 1 ELSE 0 END
    AS unused_months,  -- Months without use | Mois sans utilisation
  CASE WHEN PAY_0 = -1 THEN 1 ELSE 0 END + CASE WHEN PAY_2 = -1 THEN 1 ELSE 0 END + CASE WHEN PAY_3 = -1 THEN 1 ELSE 0 END
    + CASE WHEN PAY_4 = -1 THEN 1 ELSE 0 END + CASE WHEN PAY_5 = -1 THEN 1 ELSE 0 END + CASE WHEN PAY_6 = -1 THEN 1 ELSE 0 END
    AS settled_months,  -- Months paid in full | Mois soldés en totalité
  CASE WHEN PAY_AMT1 = 0 AND BILL_AMT2 > 0 THEN 1 ELSE 0 END + CASE WHEN PAY_AMT2 = 0 AND BILL_AMT3 > 0 THEN 1 ELSE 0 END
    + CASE WHEN PAY_AMT3 = 0 AND BILL_AMT4 > 0 THEN 1 ELSE 0 END + CASE WHEN PAY_AMT4 = 0 AND BILL_AMT5 > 0 THEN 1 ELSE 0 END
    + CASE WHEN PAY_AMT5 = 0 AND BILL_AMT6 > 0 THEN 1 ELSE 0 END
    AS unpaid_months,  -- Bills without any payment | Relevés sans aucun paiement
  BILL_AMT1 / NULLIF(LIMIT_BAL, 0) AS utilisation_1,  -- Use of the limit, September | Utilisation du plafond, septembre
  BILL_AMT2 / NULLIF(LIMIT_BAL, 0) AS utilisation_2,  -- Use of the limit, August | Utilisation du plafond, août
  BILL_AMT3 / NULLIF(LIMIT_BAL, 0) AS utilisation_3,  -- Use of the limit, July | Utilisation du plafond, juillet
  BILL_AMT4 / NULLIF(LIMIT_BAL, 0) AS utilisation_4,  -- Use of the limit, June | Utilisation du plafond, juin
  BILL_AMT5 / NULLIF(LIMIT_BAL, 0) AS utilisation_5,  -- Use of the limit, May | Utilisation du plafond, mai
  BILL_AMT6 / NULLIF(LIMIT_BAL, 0) AS utilisation_6,  -- Use of the limit, April | Utilisation du plafond, avril
  billed / 6 / NULLIF(LIMIT_BAL, 0) AS utilisation_mean,  -- Mean use of the limit | Utilisation moyenne du plafond
  GREATEST(BILL_AMT1, BILL_AMT2, BILL_AMT3, BILL_AMT4, BILL_AMT5, BILL_AMT6) / NULLIF(LIMIT_BAL, 0)
    AS utilisation_max,  -- Highest use of the limit | Utilisation maximale du plafond
  (BILL_AMT1 - BILL_AMT6) / NULLIF(LIMIT_BAL, 0)
    AS utilisation_growth,  -- Growth of use over six months | Hausse de l'utilisation en six mois
  (BILL_AMT1 - BILL_AMT2) / NULLIF(LIMIT_BAL, 0)
    AS utilisation_growth_last_month,  -- Growth of use in the last month | Hausse de l'utilisation le dernier mois
  CASE WHEN PAY_AMT1 > 2 * owed_2 AND owed_2 > 0 THEN 2 ELSE PAY_AMT1 / NULLIF(owed_2, 0) END
    AS payment_share_1,  -- Share of the August bill paid | Part payée du relevé d'août
  CASE WHEN PAY_AMT2 > 2 * owed_3 AND owed_3 > 0 THEN 2 ELSE PAY_AMT2 / NULLIF(owed_3, 0) END
    AS payment_share_2,  -- Share of the July bill paid | Part payée du relevé de juillet
  CASE WHEN PAY_AMT3 > 2 * owed_4 AND owed_4 > 0 THEN 2 ELSE PAY_AMT3 / NULLIF(owed_4, 0) END
    AS payment_share_3,  -- Share of the June bill paid | Part payée du relevé de juin
  CASE WHEN PAY_AMT4 > 2 * owed_5 AND owed_5 > 0 THEN 2 ELSE PAY_AMT4 / NULLIF(owed_5, 0) END
    AS payment_share_4,  -- Share of the May bill paid | Part payée du relevé de mai
  CASE WHEN PAY_AMT5 > 2 * owed_6 AND owed_6 > 0 THEN 2 ELSE PAY_AMT5 / NULLIF(owed_6, 0) END
    AS payment_share_5,  -- Share of the April bill paid | Part payée du relevé d'avril
  CASE WHEN paid > 2 * billed AND billed > 0 THEN 2 ELSE paid / NULLIF(billed, 0) END
    AS payment_share,  -- Share of six bills paid | Part payée des six relevés
  LEAST(PAY_AMT1, PAY_AMT2, PAY_AMT3, PAY_AMT4, PAY_AMT5, PAY_AMT6) / NULLIF(LIMIT_BAL, 0)
    AS payment_min_to_limit,  -- Smallest payment to limit | Plus petit paiement sur plafond
  spent / 5 / NULLIF(LIMIT_BAL, 0) AS spent_to_limit,  -- Monthly spending to limit | Dépense mensuelle sur plafond
  paid / NULLIF(LIMIT_BAL, 0) AS paid_to_limit,  -- Payments to limit | Paiements sur plafond
  LN(1 + PAY_AMT1) AS payment_1_log,  -- Payment in September (logarithm) | Paiement de septembre (logarithme)
  LN(1 + PAY_AMT2) AS payment_2_log,  -- Payment in August (logarithm) | Paiement d'août (logarithme)
  LN(1 + PAY_AMT3) AS payment_3_log,  -- Payment in July (logarithm) | Paiement de juillet (logarithme)
  LN(1 + owed_1) AS bill_1_log,  -- Bill of September (logarithm) | Relevé de septembre (logarithme)
  LN(1 + paid) AS paid_log,  -- Payments of six months (logarithm) | Paiements de six mois (logarithme)
  CASE WHEN LIMIT_BAL > BILL_AMT1 THEN LN(1 + LIMIT_BAL - BILL_AMT1) WHEN LIMIT_BAL <= BILL_AMT1 THEN 0 END
    AS room_log  -- Unused limit (logarithm) | Plafond non utilisé (logarithme)
FROM card
