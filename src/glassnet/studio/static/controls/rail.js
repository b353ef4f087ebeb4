// The settings, in three parts. Each part is drawn when what it shows has changed, never once a picture.

import { mountData } from "./data.js";
import { mountStructure } from "./structure.js";
import { mountTraining } from "./training.js";

export function mountRail(state, actions) {
  const at = (id) => document.getElementById(id);
  const parts = [
    mountData(at("rail-data"), state, actions),
    mountStructure(at("rail-network"), state, actions),
    mountTraining(at("rail-training"), state, actions),
  ];
  return (news) => {
    parts.forEach((draw) => draw(news));
    if (state.run) document.body.classList.add("ready");
  };
}
