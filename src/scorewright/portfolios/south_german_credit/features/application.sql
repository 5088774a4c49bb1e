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
  LN(GREATEST(amount, 1)) AS amount_log,  -- Credit amount (logarithm) | Montant du crédit (logarithme)
  LN(GREATEST(duration, 1)) AS duration_log,  -- Duration (logarithm) | Durée (logarithme)
  amount / NULLIF(duration, 0) AS monthly_amount,  -- Amount per month | Montant par mois
  LN(GREATEST(amount / NULLIF(duration, 0), 1)) AS monthly_amount_log,  -- Amount per month (logarithm) | Montant par mois (logarithme)
  LN(GREATEST(age, 1)) AS age_log  -- Age (logarithm) | Âge (logarithme)
FROM application
