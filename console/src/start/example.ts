/** What somebody who has nothing to paste may begin with; it runs on the offline provider. */
export const EXAMPLE = `workflow_id: greeting
name: Greeting
description: One agent greets somebody, and a person may change what it says.
start_node_id: start
input_schema:
  type: object
  required: [who]
  properties:
    who: {type: string, minLength: 1, maxLength: 80, description: Whom to greet}

nodes:
  start:
    type: start
    next_ids: [greet]

  greet:
    type: agent
    next_ids: [end]
    properties:
      prompt: "Greet \${input.who}."
      demo:
        interval_s: 0.1
        script: "Good morning, \${input.who}! How was your journey?"

  end:
    type: end
    properties:
      output: "\${nodes.greet.output.text}"
`;
