/* What the routes of neighbouring servers are asked, by path. */
const row = [5.1, 3.5, 1.4, 0.2];

export const neighbourBodies: Readonly<Record<string, object>> = {
  "/predict": { model_id: "iris", features: row },
  "/infer": { model: "iris", features: row },
  "/infer/batch": { requests: [{ model: "iris", features: row }, { model: "nobody" }] },
  "/post/predict": { features: row },
  "/get/predict": { features: row },
};

/** These name their model in the query. */
export const asksById = /^\/(get|post)\/|^\/models\/info$/;
