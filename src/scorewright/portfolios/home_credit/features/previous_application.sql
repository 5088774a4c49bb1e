-- Earlier applications to the same lender. The portfolio turns the day 365243 ("never") into null, so a granted loan
-- with a first due date and no end date is still running.
WITH earlier AS (
  SELECT *,
    CASE WHEN NAME_CONTRACT_STATUS = 'Approved' THEN AMT_CREDIT END AS granted,
    CASE WHEN NAME_CONTRACT_STATUS = 'Approved' THEN AMT_ANNUITY END AS granted_annuity,
    CASE WHEN NAME_CONTRACT_STATUS = 'Approved' AND DAYS_FIRST_DUE IS NOT NULL AND DAYS_TERMINATION IS NULL THEN 1
      ELSE 0 END AS running
  FROM previous_application
)
SELECT
  COUNT(*) AS previous_applications,  -- Earlier applications | Demandes antérieures
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved')
    AS previous_approved,  -- Earlier applications approved | Demandes antérieures acceptées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused')
    AS previous_refused,  -- Earlier applications refused | Demandes antérieures refusées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS IN ('Canceled', 'Unused offer'))
    AS previous_abandoned,  -- Earlier applications given up | Demandes antérieures abandonnées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused') / COUNT(*)
    AS previous_refused_share,  -- Share of earlier applications refused | Part des demandes antérieures refusées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused' AND DAYS_DECISION >= -365)
    AS previous_refused_last_year,  -- Refusals in the last year | Refus depuis un an
  COUNT(*) FILTER (WHERE DAYS_DECISION >= -365)
    AS previous_applications_last_year,  -- Applications in the last year | Demandes depuis un an
  COUNT(*) FILTER (WHERE CODE_REJECT_REASON = 'SCOFR')
    AS previous_refused_by_score,  -- Refusals for the score | Refus dus au score
  COUNT(*) FILTER (WHERE CODE_REJECT_REASON = 'HC')
    AS previous_refused_by_lender,  -- Refusals by the lender's policy | Refus dus à la politique du prêteur
  COUNT(*) FILTER (WHERE CODE_REJECT_REASON = 'LIMIT')
    AS previous_refused_for_limit,  -- Refusals for the credit limit | Refus dus au plafond de crédit
  MAX(DAYS_DECISION) AS previous_latest_day,  -- Day of the latest earlier application | Jour de la dernière demande antérieure
  MIN(DAYS_DECISION) AS previous_first_day,  -- Day of the first earlier application | Jour de la première demande antérieure
  MAX(DAYS_DECISION) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved')
    AS previous_latest_approval_day,  -- Day of the latest approval | Jour du dernier accord
  MAX(DAYS_DECISION) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused')
    AS previous_latest_refusal_day,  -- Day of the latest refusal | Jour du dernier refus
  AVG(granted) AS previous_mean_credit,  -- Mean amount granted earlier | Montant moyen accordé auparavant
  MAX(granted) AS previous_largest_credit,  -- Largest amount granted earlier | Plus gros montant accordé auparavant
  AVG(granted_annuity) AS previous_mean_annuity,  -- Mean instalment of earlier loans | Mensualité moyenne des crédits antérieurs
  SUM(granted) / NULLIF(SUM(AMT_APPLICATION) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved'), 0)
    AS previous_granted_to_asked,  -- Granted to requested amount | Montant accordé sur montant demandé
  AVG(granted_annuity * CNT_PAYMENT / NULLIF(granted, 0))
    AS previous_repaid_to_credit,  -- Total repayment to earlier credit | Total à rembourser sur crédit antérieur
  AVG(RATE_DOWN_PAYMENT) AS previous_mean_down_payment,  -- Mean earlier down payment rate | Taux d'apport moyen antérieur
  MAX(RATE_DOWN_PAYMENT)
    AS previous_largest_down_payment,  -- Largest earlier down payment rate | Plus fort taux d'apport antérieur
  AVG(CNT_PAYMENT) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved')
    AS previous_mean_term,  -- Mean term of earlier loans (months) | Durée moyenne des crédits antérieurs (mois)
  COUNT(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Cash loans') / COUNT(*)
    AS previous_cash_share,  -- Share of earlier cash loans | Part de prêts personnels antérieurs
  COUNT(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Revolving loans') / COUNT(*)
    AS previous_revolving_share,  -- Share of earlier revolving loans | Part de crédits renouvelables antérieurs
  COUNT(*) FILTER (WHERE NAME_YIELD_GROUP = 'high') / COUNT(*)
    AS previous_high_rate_share,  -- Share of earlier high-rate offers | Part d'offres antérieures à taux élevé
  COUNT(*) FILTER (WHERE NAME_YIELD_GROUP IN ('low_normal', 'low_action')) / COUNT(*)
    AS previous_low_rate_share,  -- Share of earlier low-rate offers | Part d'offres antérieures à taux bas
  COUNT(*) FILTER (WHERE NAME_PRODUCT_TYPE = 'walk-in') / COUNT(*)
    AS previous_walk_in_share,  -- Share of walk-in applications | Part de demandes spontanées en agence
  AVG(NFLAG_INSURED_ON_APPROVAL)
    AS previous_insured_share,  -- Share of earlier loans insured | Part des crédits antérieurs assurés
  SUM(running) AS previous_running_loans,  -- Earlier loans still running | Crédits antérieurs encore en cours
  SUM(granted_annuity) FILTER (WHERE running = 1)
    AS previous_running_annuity,  -- Instalments of running loans | Mensualités des crédits encore en cours
  MAX(DAYS_LAST_DUE_1ST_VERSION) AS previous_planned_last_due_day,  -- Planned last due day | Dernière échéance prévue
  MAX(DAYS_LAST_DUE) AS previous_last_due_day,  -- Latest final due day of ended loans | Dernière échéance des crédits terminés
  AVG(DAYS_LAST_DUE - DAYS_LAST_DUE_1ST_VERSION)
    AS previous_mean_end_shift,  -- Mean shift of the end of loans (days) | Décalage moyen de la fin des crédits (jours)
  AVG(DAYS_FIRST_DRAWING)
    AS previous_mean_first_drawing_day  -- Mean day of first card drawing | Jour moyen du premier tirage sur carte
FROM earlier
GROUP BY SK_ID_CURR
