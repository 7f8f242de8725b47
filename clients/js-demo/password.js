/** The sheet in which one chooses another password. */

import { changePassword } from './account.js';
import { h } from './dom.js';
import { formSheet } from './form-sheet.js';
import { toast } from './overlay.js';
import { PASSWORD_LEAST } from './sign-in.js';

/** @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root */
export function passwordSheet(desk, root) {
  const close = formSheet(root, 'Change password', {
    fields: [
      {
        name: 'current',
        label: 'Current password',
        props: { type: 'password', autocomplete: 'current-password', maxlength: '200' },
        hint: 'Leave it empty if you have none yet.',
      },
      {
        name: 'new',
        label: 'New password',
        props: {
          type: 'password',
          autocomplete: 'new-password',
          required: true,
          minlength: `${PASSWORD_LEAST}`,
          maxlength: '200',
        },
        hint: `At least ${PASSWORD_LEAST} characters. All your other devices are signed out.`,
      },
    ],
    submit: 'Change password',
    run: async (values) => {
      await changePassword(desk.sessionToken, values.new, values.current);
      close();
      toast(root, 'Your password is changed. Other devices are signed out.', 'note');
    },
    more: [h('input', { type: 'text', autocomplete: 'username', hidden: true })],
  });
}
