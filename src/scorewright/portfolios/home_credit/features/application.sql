-- The application itself, then its ratios, then ratios with the histories.
-- Left out of the raw columns, for they cost the models accuracy: the mode and median twins of the building's averages, flags
-- that are nearly constant (most of them count in documents_provided, address_mismatches, contact_channels or
-- recent_enquiries) and the 60-day twins of the acquaintances' delays.
-- Age enters once, as it is: ratios to age added nothing, and would have made half the reasons speak of a protected attribute.
-- Amounts enter as logarithms and ratios are bounded, so that one enormous income does not bend a linear model. Bounds are
-- written with CASE: LEAST and GREATEST skip nulls and would turn a missing value into the bound.
WITH measured AS (
  SELECT *,
    CASE WHEN EXT_SOURCE_1 IS NULL THEN 0 ELSE 1 END + CASE WHEN EXT_SOURCE_2 IS NULL THEN 0 ELSE 1 END
      + CASE WHEN EXT_SOURCE_3 IS NULL THEN 0 ELSE 1 END AS ext_known,
    CAST(DAYS_EMPLOYED AS DOUBLE) / -365.25 AS employed_years,
    AMT_CREDIT / NULLIF(AMT_ANNUITY, 0) AS instalments,
    AMT_ANNUITY / NULLIF(AMT_INCOME_TOTAL, 0) AS annuity_share,
    AMT_CREDIT / NULLIF(AMT_INCOME_TOTAL, 0) AS credit_share,
    bureau_active_debt / NULLIF(AMT_INCOME_TOTAL, 0) AS debt_share,
    (AMT_ANNUITY + COALESCE(bureau_active_annuity, 0) + COALESCE(previous_running_annuity, 0))
      / NULLIF(AMT_INCOME_TOTAL, 0) AS all_annuities,
    AMT_CREDIT / NULLIF(previous_mean_credit, 0) AS credit_growth,
    AMT_ANNUITY / NULLIF(previous_mean_annuity, 0) AS annuity_growth,
    instalments_paid_last_year / NULLIF(AMT_INCOME_TOTAL, 0) AS repaid_share,
    card_recent_balance / NULLIF(AMT_INCOME_TOTAL, 0) AS card_share
  FROM application
)
SELECT
  NAME_CONTRACT_TYPE,
  FLAG_OWN_CAR,
  FLAG_OWN_REALTY,
  CNT_CHILDREN,
  AMT_INCOME_TOTAL,
  AMT_CREDIT,
  AMT_ANNUITY,
  AMT_GOODS_PRICE,
  NAME_TYPE_SUITE,
  NAME_INCOME_TYPE,
  NAME_EDUCATION_TYPE,
  NAME_HOUSING_TYPE,
  REGION_POPULATION_RELATIVE,
  DAYS_BIRTH,
  DAYS_EMPLOYED,
  DAYS_REGISTRATION,
  DAYS_ID_PUBLISH,
  OWN_CAR_AGE,
  FLAG_WORK_PHONE,
  FLAG_PHONE,
  FLAG_EMAIL,
  OCCUPATION_TYPE,
  CNT_FAM_MEMBERS,
  REGION_RATING_CLIENT,
  REGION_RATING_CLIENT_W_CITY,
  WEEKDAY_APPR_PROCESS_START,
  HOUR_APPR_PROCESS_START,
  REG_CITY_NOT_LIVE_CITY,
  REG_CITY_NOT_WORK_CITY,
  LIVE_CITY_NOT_WORK_CITY,
  ORGANIZATION_TYPE,
  EXT_SOURCE_1,
  EXT_SOURCE_2,
  EXT_SOURCE_3,
  APARTMENTS_AVG,
  BASEMENTAREA_AVG,
  YEARS_BEGINEXPLUATATION_AVG,
  YEARS_BUILD_AVG,
  COMMONAREA_AVG,
  ELEVATORS_AVG,
  ENTRANCES_AVG,
  FLOORSMAX_AVG,
  FLOORSMIN_AVG,
  LANDAREA_AVG,
  LIVINGAPARTMENTS_AVG,
  LIVINGAREA_AVG,
  NONLIVINGAREA_AVG,
  FONDKAPREMONT_MODE,
  HOUSETYPE_MODE,
  TOTALAREA_MODE,
  WALLSMATERIAL_MODE,
  EMERGENCYSTATE_MODE,
  OBS_30_CNT_SOCIAL_CIRCLE,
  DEF_30_CNT_SOCIAL_CIRCLE,
  DAYS_LAST_PHONE_CHANGE,
  FLAG_DOCUMENT_3,
  AMT_REQ_CREDIT_BUREAU_MON,
  AMT_REQ_CREDIT_BUREAU_QRT,
  AMT_REQ_CREDIT_BUREAU_YEAR,
  (COALESCE(EXT_SOURCE_1, 0) + COALESCE(EXT_SOURCE_2, 0) + COALESCE(EXT_SOURCE_3, 0)) / NULLIF(ext_known, 0)
    AS ext_source_mean,  -- Mean external score | Score externe moyen
  LEAST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) AS ext_source_min,  -- Lowest external score | Score externe le plus bas
  GREATEST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) AS ext_source_max,  -- Highest external score | Score externe le plus haut
  GREATEST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) - LEAST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3)
    AS ext_source_spread,  -- Spread of external scores | Écart entre scores externes
  EXT_SOURCE_1 * EXT_SOURCE_2 * EXT_SOURCE_3 AS ext_source_product,  -- Product of external scores | Produit des scores externes
  EXT_SOURCE_2 * EXT_SOURCE_3
    AS ext_source_product_2_3,  -- Product of external scores 2 and 3 | Produit des scores externes 2 et 3
  CASE WHEN EXT_SOURCE_1 IS NULL THEN 1 ELSE 0 END
    AS ext_source_1_missing,  -- External score 1 is missing | Score externe 1 absent
  CASE WHEN EXT_SOURCE_3 IS NULL THEN 1 ELSE 0 END
    AS ext_source_3_missing,  -- External score 3 is missing | Score externe 3 absent
  (COALESCE(EXT_SOURCE_1, 0) + COALESCE(EXT_SOURCE_2, 0) + COALESCE(EXT_SOURCE_3, 0)) * instalments
    AS ext_source_by_term,  -- External scores by length of credit | Scores externes par durée du crédit
  EXT_SOURCE_3 * employed_years
    AS ext_source_3_by_employed,  -- External score 3 by time in job | Score externe 3 par ancienneté d'emploi
  instalments AS credit_to_annuity,  -- Credit in instalments (months) | Crédit en nombre de mensualités
  AMT_CREDIT / NULLIF(AMT_GOODS_PRICE, 0) AS credit_to_goods,  -- Credit to price of goods | Crédit sur prix du bien
  (AMT_CREDIT - AMT_GOODS_PRICE) / NULLIF(AMT_ANNUITY, 0)
    AS credit_over_goods_instalments,  -- Credit beyond the goods (instalments) | Crédit au-delà du bien (mensualités)
  CASE WHEN annuity_share > 1 THEN 1 ELSE annuity_share END AS annuity_to_income,  -- Instalment to income | Mensualité sur revenu
  CASE WHEN credit_share > 20 THEN 20 ELSE credit_share END AS credit_to_income,  -- Credit to income | Crédit sur revenu
  CASE WHEN AMT_INCOME_TOTAL > 0 THEN LN(AMT_INCOME_TOTAL) END AS income_log,  -- Income (logarithm) | Revenu (logarithme)
  CASE WHEN AMT_CREDIT > 0 THEN LN(AMT_CREDIT) END AS credit_log,  -- Credit amount (logarithm) | Montant du crédit (logarithme)
  CASE WHEN AMT_ANNUITY > 0 THEN LN(AMT_ANNUITY) END AS annuity_log,  -- Instalment (logarithm) | Mensualité (logarithme)
  CASE WHEN AMT_GOODS_PRICE > 0 THEN LN(AMT_GOODS_PRICE) END
    AS goods_log,  -- Price of goods (logarithm) | Prix du bien (logarithme)
  CASE WHEN AMT_INCOME_TOTAL > 0 AND CNT_FAM_MEMBERS > 0 THEN LN(AMT_INCOME_TOTAL / CNT_FAM_MEMBERS) END
    AS income_per_person_log,  -- Income per household member (logarithm) | Revenu par personne du foyer (logarithme)
  CNT_CHILDREN / NULLIF(CNT_FAM_MEMBERS, 0)
    AS children_share,  -- Share of children in the household | Part d'enfants dans le foyer
  CASE WHEN employed_years >= 0 THEN SQRT(employed_years) END
    AS employed_root_years,  -- Time in job (root of years) | Ancienneté d'emploi (racine des années)
  CASE WHEN DAYS_EMPLOYED IS NULL THEN 1 ELSE 0 END AS not_employed,  -- Not employed | Sans emploi
  CASE WHEN FLAG_OWN_CAR = 'N' THEN 0 ELSE 1 / (1 + OWN_CAR_AGE) END
    AS car_newness,  -- Newness of the car (1 new, 0 none) | Nouveauté de la voiture (1 neuve, 0 aucune)
  FLAG_DOCUMENT_2 + FLAG_DOCUMENT_3 + FLAG_DOCUMENT_4 + FLAG_DOCUMENT_5 + FLAG_DOCUMENT_6 + FLAG_DOCUMENT_7 + FLAG_DOCUMENT_8
    + FLAG_DOCUMENT_9 + FLAG_DOCUMENT_10 + FLAG_DOCUMENT_11 + FLAG_DOCUMENT_12 + FLAG_DOCUMENT_13 + FLAG_DOCUMENT_14
    + FLAG_DOCUMENT_15 + FLAG_DOCUMENT_16 + FLAG_DOCUMENT_17 + FLAG_DOCUMENT_18 + FLAG_DOCUMENT_19 + FLAG_DOCUMENT_20
    + FLAG_DOCUMENT_21 AS documents_provided,  -- Documents provided | Documents fournis
  REG_REGION_NOT_LIVE_REGION + REG_REGION_NOT_WORK_REGION + LIVE_REGION_NOT_WORK_REGION + REG_CITY_NOT_LIVE_CITY
    + REG_CITY_NOT_WORK_CITY + LIVE_CITY_NOT_WORK_CITY
    AS address_mismatches,  -- Addresses that do not match | Adresses discordantes
  FLAG_EMP_PHONE + FLAG_WORK_PHONE + FLAG_CONT_MOBILE + FLAG_PHONE + FLAG_EMAIL
    AS contact_channels,  -- Ways to reach the applicant | Moyens de joindre le demandeur
  DEF_30_CNT_SOCIAL_CIRCLE / NULLIF(OBS_30_CNT_SOCIAL_CIRCLE, 0)
    AS circle_default_share,  -- Share of acquaintances 30 days late | Part de l'entourage à 30 jours de retard
  AMT_REQ_CREDIT_BUREAU_HOUR + AMT_REQ_CREDIT_BUREAU_DAY + AMT_REQ_CREDIT_BUREAU_WEEK + AMT_REQ_CREDIT_BUREAU_MON
    + AMT_REQ_CREDIT_BUREAU_QRT
    AS recent_enquiries,  -- Bureau enquiries within a quarter | Consultations du bureau sur un trimestre
  CASE WHEN AMT_REQ_CREDIT_BUREAU_YEAR IS NULL THEN 1 ELSE 0 END
    AS enquiries_unknown,  -- Bureau enquiries unknown | Consultations du bureau inconnues
  CASE WHEN TOTALAREA_MODE IS NULL THEN 1 ELSE 0 END AS building_unknown,  -- Building not described | Immeuble non décrit
  CASE WHEN debt_share > 50 THEN 50 ELSE debt_share END
    AS bureau_debt_to_income,  -- Debt elsewhere to income | Encours ailleurs sur revenu
  CASE WHEN bureau_active_debt > 50 * AMT_CREDIT THEN 50 ELSE bureau_active_debt / NULLIF(AMT_CREDIT, 0) END
    AS bureau_debt_to_this_credit,  -- Debt elsewhere to this credit | Encours ailleurs sur ce crédit
  CASE WHEN all_annuities > 5 THEN 5 ELSE all_annuities END
    AS all_annuities_to_income,  -- All instalments to income | Ensemble des mensualités sur revenu
  CASE WHEN credit_growth > 50 THEN 50 ELSE credit_growth END
    AS credit_to_previous_credit,  -- This credit to earlier credits | Ce crédit sur les crédits antérieurs
  CASE WHEN annuity_growth > 50 THEN 50 ELSE annuity_growth END
    AS annuity_to_previous_annuity,  -- This instalment to earlier instalments | Cette mensualité sur les précédentes
  CASE WHEN repaid_share > 10 THEN 10 ELSE repaid_share END
    AS paid_last_year_to_income,  -- Repaid in the last year to income | Remboursé depuis un an sur revenu
  CASE WHEN card_share > 10 THEN 10 ELSE card_share END
    AS card_balance_to_income,  -- Card balance to income | Encours de carte sur revenu
  CASE WHEN bureau_loans IS NULL AND previous_applications IS NULL THEN NULL
    ELSE COALESCE(bureau_loans_last_year, 0) + COALESCE(previous_applications_last_year, 0) END
    AS credit_requests_last_year  -- Loans and requests in the last year | Crédits et demandes depuis un an
FROM measured
