// Six devices of three people write at once, by the SDK alone, while the server dies under them.
// `begin` starts them, `end` waits for every ack and says what is wrong: nothing, if all is well.
(() => {
  const PEOPLE = ['olivia', 'sam', 'carla'];
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const memory = () => {
    const values = new Map();
    return {
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => values.set(key, value),
      removeItem: (key) => values.delete(key),
    };
  };
  const getToken = (person) => async () => {
    const body = JSON.stringify({ person });
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch('/v1/demo/tokens', { method: 'POST', headers, body });
    return (await reply.json()).token;
  };
  let sdk = null;
  let desks = [];
  let sent = [];
  let conversation = '';
  let texts = 0;

  const device = (person, name) =>
    new sdk.Deskbell({ getToken: getToken(person), device: name, name, storage: memory() });

  async function write(desk) {
    for (let n = 0; n < texts; n += 1) {
      sent.push(desk.send(conversation, `${desk.device} ${n}`));
      if (n % 10 !== 9) continue;
      desk.read(conversation);
      await pause(200 + Math.random() * 400);
    }
  }

  const everything = async (desk) => {
    await desk.connect();
    while (desk.conversations.get(conversation).more) await desk.history(conversation, 200);
    return desk.model.snapshot();
  };

  window.begin = async (where, count) => {
    sdk = await import('/page/deskbell.js');
    conversation = where;
    texts = count;
    desks = PEOPLE.flatMap((person) => [1, 2].map((n) => device(person, `${person}-${n}`)));
    await Promise.all(desks.map((desk) => desk.connect()));
    window.writing = Promise.all(desks.map(write));
  };

  window.end = async () => {
    await window.writing;
    for (const desk of desks) desk.wake();
    const acks = await Promise.all(sent);
    const wrong = [];
    const seqs = new Set(acks.map((message) => message.seq));
    if (seqs.size !== desks.length * texts) wrong.push(`${seqs.size} distinct acks`);
    for (const desk of desks) await everything(desk);
    await pause(2_000); // for the receipts of the last ones
    for (const desk of desks) {
      const all = (await everything(desk)).find((each) => each.id === conversation).messages;
      for (const { device: author } of desks) {
        const numbers = all
          .filter((message) => message.text.startsWith(`${author} `))
          .map((message) => Number(message.text.split(' ')[1]));
        const wanted = Array.from({ length: texts }, (_, n) => n);
        if (String(numbers) !== String(wanted)) wrong.push(`${desk.device}: ${author} ${numbers}`);
      }
    }
    for (const person of PEOPLE) {
      const fresh = await everything(device(person, `${person}-fresh`));
      for (const desk of desks.filter((each) => each.person === person)) {
        const found = sdk.difference(desk.model.snapshot(), fresh, person);
        if (found) wrong.push(`${desk.device} and a fresh one: ${found}`);
      }
    }
    for (const desk of desks) desk.close();
    return wrong;
  };
})();
