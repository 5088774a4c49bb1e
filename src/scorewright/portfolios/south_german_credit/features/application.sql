-- Codes without an order are text; codes that rise with the thing they class stay numbers.
SELECT
  CAST(status AS VARCHAR) AS status,
  duration,
  CAST(credit_history AS VARCHAR) AS credit_history,
  CAST(purpose AS VARCHAR) AS purpose,
  amount,
  CAST(savings AS VARCHAR) AS savings,
  employment_duration,
  installment_rate,
  CAST(other_debtors AS VARCHAR) AS other_debtors,
  present_residence,
  CAST(property AS VARCHAR) AS property,
  age,
  CAST(other_installment_plans AS VARCHAR) AS other_installment_plans,
  CAST(housing AS VARCHAR) AS housing,
  number_credits,
  job,
  people_liable,
  telephone,
  status AS status_level,  -- Current account (level) | Compte courant (niveau)
  credit_history AS credit_history_level,  -- Credit history (level) | Historique de crédit (niveau)
  savings AS savings_level,  -- Savings (level) | Épargne (niveau)
  CASE WHEN amount > 0 THEN LN(amount) END AS amount_log,  -- Credit amount (logarithm) | Montant du crédit (logarithme)
  CASE WHEN duration > 0 THEN LN(duration) END AS duration_log,  -- Duration (logarithm) | Durée (logarithme)
  amount / NULLIF(duration, 0) AS monthly_amount,  -- Amount per month | Montant par mois
  CASE WHEN amount > 0 AND duration > 0 THEN LN(amount / duration) END
    AS monthly_amount_log,  -- Amount per month (logarithm) | Montant par mois (logarithme)
  CASE WHEN age > 0 THEN LN(age) END AS age_log  -- Age (logarithm) | Âge (logarithme)
FROM application
